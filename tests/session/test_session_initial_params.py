"""Runs that begin with another run's parameters, and runs without evaluations."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow


def params_of(arrays):
    return {name: array for name, array in arrays.items() if name.startswith("state/params/")}


def test_a_run_begins_with_the_newest_parameters_of_another(
    gpae, small, straight, final_arrays, tmp_path
):
    source, folder = straight("gpae")[0], tmp_path / "run"
    keep = ["run.keep_checkpoints=9", f"run.folder={folder}"]
    gpae("train", *small(seed=7), f"initial_params={source}", *keep)
    first, given = params_of(final_arrays(folder, 0)), params_of(final_arrays(source))
    assert given.keys() == first.keys()
    for name, array in given.items():
        np.testing.assert_array_equal(first[name], array)


@pytest.mark.parametrize(
    ("source", "words", "line"),
    [
        ("nowhere", [], "nowhere"),
        ("straight", ["network.hidden_size=16"], "does not fit this configuration: actor/"),
    ],
)
def test_parameters_that_cannot_be_taken_leave_nothing(
    gpae, small, straight, tmp_path, contents, source, words, line
):
    source = straight("gpae")[0] if source == "straight" else tmp_path / source
    found = gpae("train", *small(), *words, f"initial_params={source}", f"run.root={tmp_path}/runs")
    assert (found.code, found.err.count("\n")) == (2, 1)
    assert line in found.err
    assert contents(tmp_path) == {}


def test_a_run_without_evaluations_is_trained_and_evaluated_later(gpae, small, tmp_path, metrics):
    folder = tmp_path / "run"
    result = gpae("train", *small(evaluation__episodes=0), f"run.folder={folder}")
    assert result.code == 0
    assert "final" not in result.out
    assert "learning curve" not in result.out
    assert not (folder / "evaluations.jsonl").exists()
    assert metrics(folder)[-1]["update"] == 10
    assert "3 greedy episodes" in gpae("evaluate", folder, "--episodes", "3").out
    refused = gpae("evaluate", folder, "--best")
    assert (refused.code, refused.err.count("\n")) == (2, 1)
    assert "it was never evaluated" in refused.err


def test_a_finished_run_without_evaluations_has_nothing_left_to_do(gpae, small, tmp_path):
    folder = tmp_path / "run"
    gpae("train", *small(evaluation__episodes=0), f"run.folder={folder}")
    assert gpae("resume", folder).code == 0
