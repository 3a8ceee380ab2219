from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gpae.errors import UserError
from gpae.report.evaluations import Evaluations
from gpae.runs import RecordFile, RunFolder

MakeRun = Callable[..., Path]


def append(path: Path, record: dict[str, object]) -> None:
    with RecordFile(RunFolder.open(path).evaluations_path) as records:
        records.append(record)


def test_means_over_episodes_at_each_step(make_run: MakeRun) -> None:
    run = Evaluations.load(make_run("a", [[0, 0, 1], [1, 1, 1]], seed=4))
    np.testing.assert_array_equal(run.steps, [500_000, 1_000_000])
    np.testing.assert_allclose(run.means("win_rate"), [1 / 3, 1.0])
    np.testing.assert_allclose(run.means("episode_return"), [2 / 3, 2.0])
    assert (run.task, run.method, run.seed) == ("smax/3m", "gpae", 4)
    assert run.absolute is not None
    assert run.absolute["win_rate"] == [1, 1, 1] * 10


def test_modes_are_kept_apart(make_run: MakeRun) -> None:
    path = make_run("a", [[1.0]])
    append(path, {"env_steps": 500_000, "mode": "sampled", "win_rate": [0.0], "absolute": False})
    assert Evaluations.load(path).means("win_rate") == [1.0]
    assert Evaluations.load(path, "sampled").means("win_rate") == [0.0]
    assert Evaluations.load(path, "sampled").absolute is None


def test_sampled_ones_serve_where_there_are_no_greedy_ones(make_run: MakeRun) -> None:
    path = make_run("a", [[1.0]], mode="sampled")
    assert Evaluations.load(path).curve[0]["mode"] == "sampled"


def test_the_curve_is_ordered_and_the_last_record_of_a_step_counts(make_run: MakeRun) -> None:
    path = make_run("a", [[0.0], [0.0]])
    append(path, {"env_steps": 250_000, "mode": "greedy", "win_rate": [0.5]})
    append(path, {"env_steps": 500_000, "mode": "greedy", "win_rate": [1.0]})
    run = Evaluations.load(path)
    np.testing.assert_array_equal(run.steps, [250_000, 500_000, 1_000_000])
    np.testing.assert_array_equal(run.means("win_rate"), [0.5, 1.0, 0.0])


def test_the_headline_is_what_the_run_says(make_run: MakeRun) -> None:
    run = Evaluations.load(make_run("a"))
    run.curve[0].update(headline="solved", solved=[1.0, 0.0])
    assert run.headline() == "solved"


def test_without_a_named_headline_it_is_the_win_rate_where_there_is_one(
    make_run: MakeRun,
) -> None:
    run = Evaluations.load(make_run("a"))
    assert run.headline() == "win_rate"
    for record in run.curve:
        del record["win_rate"]
    assert run.headline() == "episode_return"


def test_a_direction_that_is_not_said_is_that_larger_is_better(make_run: MakeRun) -> None:
    old = Evaluations.load(make_run("old"))
    assert (old.headline(), old.direction("win_rate")) == ("win_rate", "maximise")
    new = Evaluations.load(make_run("new", metric="collisions", direction="minimise"))
    assert (new.headline(), new.direction("collisions")) == ("collisions", "minimise")
    assert new.direction("episode_return") == "maximise"


@pytest.mark.parametrize(("recorded", "asked"), [("greedy", "sampled"), ("sampled", "greedy")])
def test_a_mode_that_was_not_evaluated_is_refused(
    make_run: MakeRun, recorded: str, asked: str
) -> None:
    run = make_run("a", mode=recorded)
    with pytest.raises(UserError, match=f"a has no {asked} evaluation, only {recorded}"):
        Evaluations.load(run, asked)


def test_a_missing_metric_is_named(make_run: MakeRun) -> None:
    run = Evaluations.load(make_run("a"))
    with pytest.raises(UserError, match="has an evaluation without cost"):
        run.means("cost")


def test_a_config_without_a_task_is_named(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "a", {"seed": 0, "method": {"name": "gpae"}})
    with pytest.raises(UserError, match=r"config\.yaml has no setting task\.name"):
        Evaluations.load(tmp_path / "a")
