"""Q-learning runs on disk: stopped and resumed bit for bit, evaluated, drawn, refused."""

import os
import signal

import numpy as np
import pytest

pytestmark = pytest.mark.slow

METHODS = ["vdn", "qmix"]
SETTINGS = {
    "task": "toy/beacon",
    "rollout.environments": "8",
    "rollout.steps": "8",
    "network.hidden_size": "8",
    "update.epochs": "2",
    "method.batch_size": "8",
    "method.buffer_size": "40",
    "method.learning_starts": "150",
    "method.target_interval": "3",
    "evaluation.episodes": "4",
    "total_env_steps": "640",
    "evaluation.interval": "192",
    "run.checkpoint_interval": "256",
}
"""Ten updates of 64 env steps, of which two learn nothing; saved after 0, 4, 8 and 10."""


OWN = {
    "vdn": {"network.core": "feedforward"},
    "qmix": {"method.mixing_size": "4", "method.hypernetwork_size": "4"},
}


def words(method):
    settings = SETTINGS | OWN[method]
    return [f"method={method}", *(f"{name}={value}" for name, value in settings.items())]


@pytest.fixture(scope="module")
def uninterrupted(gpae, tmp_path_factory):
    """Whole runs by method, with what the command line said."""
    root = tmp_path_factory.mktemp("uninterrupted")
    made = {
        method: (root / method, gpae("train", *words(method), f"run.folder={root / method}"))
        for method in METHODS
    }
    return made.__getitem__


@pytest.mark.parametrize("method", METHODS)
def test_a_run_is_recorded_evaluated_saved_and_drawn(
    method, uninterrupted, metrics, evaluations, final_arrays
):
    folder, result = uninterrupted(method)
    assert (result.code, result.err) == (0, "")
    records = metrics(folder)
    assert [record["env_steps"] for record in records] == list(range(64, 641, 64))
    assert [record["gradient_steps"] for record in records] == [0, 0, *range(2, 17, 2)]
    assert [record["buffer/trajectories"] for record in records] == [8, 16, 24, 32, *[40] * 6]
    assert all(record["loss/q"] > 0 for record in records[2:])
    regular = [record for record in evaluations(folder) if not record["absolute"]]
    assert [record["env_steps"] for record in regular] == [0, 192, 384, 576, 640]
    assert evaluations(folder)[-1]["episodes"] == 40
    assert int(final_arrays(folder)["state/clock/update"]) == 10
    assert (folder / "curve.png").stat().st_size > 0


def test_stop_then_resume_equals_straight(
    gpae, uninterrupted, same_end, before_call, monkeypatch, tmp_path
):
    folder = tmp_path / "run"
    before_call(4, lambda: os.kill(os.getpid(), signal.SIGTERM))
    stopped = gpae("train", *words("qmix"), f"run.folder={folder}")
    assert (stopped.code, stopped.err) == (0, "")
    assert f"continue with: gpae resume {folder}" in stopped.out
    monkeypatch.undo()
    resumed = gpae("resume", folder)
    assert (resumed.code, resumed.err) == (0, "")
    same_end(folder, uninterrupted("qmix")[0])


@pytest.mark.parametrize("method", METHODS)
def test_a_run_can_be_evaluated_greedily_and_not_sampled(method, gpae, uninterrupted):
    folder, _ = uninterrupted(method)
    result = gpae("evaluate", folder, "--episodes", "8", "--best")
    assert result.code == 0
    assert "8 greedy episodes" in result.out
    refused = gpae("evaluate", folder, "--sampled")
    assert refused.code == 2
    assert refused.err == f"gpae: {method} acts greedily: there is nothing to sample\n"


def test_both_methods_are_drawn_together(gpae, uninterrupted, tmp_path):
    folders = [uninterrupted(method)[0] for method in METHODS]
    result = gpae("curves", *folders, "--output", tmp_path / "both.png")
    assert (result.code, result.err) == (0, "")
    assert (tmp_path / "both.png").stat().st_size > 0


@pytest.mark.parametrize(("steps", "said"), [(5, True), (6, False)])
def test_rollouts_shorter_than_episodes_are_cautioned(steps, said):
    from gpae.config.compose import compose
    from gpae.runs.system import System

    system = System(compose([*words("vdn"), f"rollout.steps={steps}"]))
    assert [f"after rollout.steps={steps}" in line for line in system.cautions] == [True] * said


def test_target_networks_begin_with_the_parameters_of_another_run_too(
    uninterrupted, gpae, final_arrays, tmp_path
):
    source, folder = uninterrupted("qmix")[0], tmp_path / "run"
    keep = ["run.keep_checkpoints=9", f"run.folder={folder}"]
    gpae("train", *words("qmix"), "seed=7", f"initial_params={source}", *keep)
    given, first = final_arrays(source), final_arrays(folder, 0)
    names = [name for name in given if name.startswith("state/params/")]
    assert len(names) > 10
    for name in names:
        np.testing.assert_array_equal(first[name], given[name])
        target = name.replace("state/params/", "state/target_params/")
        np.testing.assert_array_equal(first[target], given[name])
