"""Several seeds in one process: each run as if made alone, kept alone, stopped and resumed."""

import os
import re
import signal
from itertools import product

import numpy as np
import pytest

pytestmark = pytest.mark.slow

METHODS = ("gpae", "mappo", "vdn")


def group_words(small, method, folder, devices=1, **settings):
    """A method on the toy task, a run's environments on so many devices however many runs.

    MAPPO's window is of one rollout, as it is where methods are on-policy, and its networks are
    feed-forward; those of the others are recurrent.
    """
    if method == "mappo":
        settings = {"window__length": 1, **settings}
    else:
        settings = {"network__core": "gru", **settings}
    words = small(method=method, run__devices=devices, run__folder=folder, **settings)
    if method != "vdn":
        return words
    policy_gradient = ("window.", "update.minibatches", "update.epochs")
    own = ["method.buffer_size=32", "method.batch_size=8", "method.learning_starts=0"]
    return [word for word in words if not word.startswith(policy_gradient)] + own


@pytest.fixture(scope="module")
def together(gpae, small, tmp_path_factory):
    """Seeds made together, by method, their number and each one's devices."""
    root = tmp_path_factory.mktemp("together")
    made = {}

    def run(method, seeds=2, devices=1):
        asked = method, seeds, devices
        if asked not in made:
            folder = root / "-".join(map(str, asked))
            words = group_words(small, method, folder, devices)
            made[asked] = folder, gpae("train", *words, f"seeds={seeds}")
        return made[asked]

    return run


@pytest.mark.parametrize(
    ("method", "seeds", "devices"),
    [
        *((method, 2, 1) for method in METHODS),
        ("vdn", 3, 2),
        *(
            pytest.param(*asked, marks=pytest.mark.exhaustive)
            for asked in product(("gpae", "vdn"), (3, 4), (1, 2))
            if asked != ("vdn", 3, 2)
        ),
    ],
)
def test_each_run_is_as_if_made_alone(
    method, seeds, devices, together, gpae, small, tmp_path, final_arrays, metrics, evaluations
):
    folder, result = together(method, seeds, devices)
    assert result.code == 0, result.err
    for seed in (0, seeds - 1):
        alone = tmp_path / str(seed)
        code = gpae("train", *group_words(small, method, alone, devices, seed=seed)).code
        assert code == 0
        arrays, others = final_arrays(folder / f"seed{seed}"), final_arrays(alone)
        assert arrays.keys() == others.keys()
        for name in arrays:
            np.testing.assert_allclose(
                arrays[name].astype(float), others[name].astype(float), 1e-4, 1e-5, err_msg=name
            )
        rows, other_rows = metrics(folder / f"seed{seed}"), metrics(alone)
        assert [row.keys() for row in rows] == [row.keys() for row in other_rows]
        for row, other in zip(rows, other_rows, strict=True):
            np.testing.assert_allclose(list(row.values()), list(other.values()), 1e-3, 1e-4)
        for record, other in zip(
            evaluations(folder / f"seed{seed}"), evaluations(alone), strict=True
        ):
            assert record.keys() == other.keys()
            np.testing.assert_allclose(record["episode_return"], other["episode_return"], 1e-3)


def test_runs_are_kept_apart(together, metrics):
    folder, result = together("gpae")
    first, second = folder / "seed0", folder / "seed1"
    assert sorted(folder.iterdir()) == [first, second]
    for run in (first, second):
        assert (run / "curve.png").is_file()
        assert f"run folder {run}" in result.out
    assert metrics(first) != metrics(second)
    assert "seeds 0, 1: 10 updates" in result.out
    assert "seed: 1\n" in (second / "config.yaml").read_text()
    assert "seeds" not in (second / "config.yaml").read_text()


def test_a_stop_and_a_resume_of_all_change_nothing(
    together, gpae, small, tmp_path, before_call, same_end
):
    straight, _ = together("gpae")
    before_call(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    stopped = gpae("train", *group_words(small, "gpae", tmp_path / "runs"), "seeds=2")
    runs = [tmp_path / "runs" / name for name in ("seed0", "seed1")]
    assert stopped.code == 0
    assert f"continue with: gpae resume {runs[0]} {runs[1]}" in stopped.out
    resumed = gpae("resume", *runs)
    assert resumed.code == 0, resumed.err
    for run in runs:
        same_end(run, straight / run.name)


def test_some_of_them_go_on_on_as_many_devices_each(gpae, tmp_path, small, before_call):
    before_call(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    words = group_words(small, "gpae", tmp_path, devices=0, network__core="feedforward")
    gpae("train", *words, "seeds=3")
    resumed = gpae("resume", tmp_path / "seed0", tmp_path / "seed2")
    assert resumed.code == 0, resumed.err
    assert "2 devices" in resumed.out
    assert "bit for bit" not in resumed.out


def test_one_of_them_goes_on_alone(gpae, tmp_path, small, before_call, metrics, contents):
    before_call(4, lambda: os.kill(os.getpid(), signal.SIGINT))
    gpae("train", *group_words(small, "gpae", tmp_path / "runs"), "seeds=2")
    alone, left = tmp_path / "runs" / "seed1", tmp_path / "runs" / "seed0"
    resumed = gpae("resume", alone)
    assert resumed.code == 0, resumed.err
    assert "bit for bit" not in resumed.out
    assert len(metrics(alone)) == 10
    before = contents(tmp_path)
    missing = gpae("resume", alone, left, "--checkpoint", "8")
    assert (missing.code, f"{left} has no checkpoint 8" in missing.err) == (2, True)
    assert contents(tmp_path) == before
    complete = contents(alone)
    both = gpae("resume", left, alone)
    assert (both.code, both.err) == (0, "")
    assert "seed 0: 10 updates" in both.out
    assert len(metrics(left)) == 10
    changed = {name for name, bytes_ in contents(alone).items() if complete[name] != bytes_}
    assert changed <= {"curve.png"}


def test_what_goes_back_together_differs_in_seeds_alone(together, straight, gpae):
    folder, _ = together("gpae")
    run = folder / "seed0"
    again = gpae("resume", run, folder / "seed1", run)
    assert (again.code, "is named twice" in again.err) == (2, True)
    other = gpae("resume", run, straight("mappo")[0], "--checkpoint", "8")
    assert (other.code, "only runs that differ in their seeds alone" in other.err) == (2, True)
    missing = gpae("resume", run, folder / "seed7")
    assert (missing.code, "there is no such folder" in missing.err) == (2, True)


def test_none_begins_where_one_folder_is_taken(gpae, small, tmp_path, contents):
    (tmp_path / "seed1").mkdir()
    (tmp_path / "seed1" / "notes").write_text("mine")
    before = contents(tmp_path)
    result = gpae("train", *group_words(small, "gpae", tmp_path), "seeds=3")
    assert result.code == 2
    assert "seed1 is not empty and holds no run" in result.err
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("seeds=0", "seeds=0 must be a whole number from 1 up"),
        ("seeds=2 seed=4294967295", "seed=4294967295 must be at most 4294967294"),
    ],
)
def test_what_cannot_be_is_refused(gpae, small, tmp_path, words, reason):
    result = gpae("train", *small(run__folder=tmp_path / "run"), *words.split())
    assert result.code == 2
    assert reason in result.err
    assert not (tmp_path / "run").exists()


def test_runs_that_are_timed_phase_by_phase_make_the_same_updates(
    together, gpae, small, tmp_path, metrics
):
    folder, _ = together("gpae")
    words = group_words(small, "gpae", tmp_path, evaluation__absolute="false")
    timed = gpae("train", *words, "seeds=2", "profile=true")
    assert (timed.code, timed.err) == (0, "")
    for name in ("seed0", "seed1"):
        rows, others = metrics(tmp_path / name), metrics(folder / name)
        assert [row.keys() for row in rows] == [row.keys() for row in others]
        for row, other in zip(rows, others, strict=True):
            np.testing.assert_allclose(list(row.values()), list(other.values()), 1e-3, 1e-4)
    (total,) = (line.split() for line in timed.out.splitlines() if re.match(r"\W*all\b", line))
    cells = [cell for cell in total if re.match(r"[\d.,]+$", cell)]
    seconds, rate = (float(cell.replace(",", "")) for cell in cells)
    assert rate == pytest.approx(2 * 32 / seconds, rel=0.2), "the env steps of both runs"


def test_one_that_diverges_is_named_and_the_others_go_on(gpae, small, tmp_path, monkeypatch):
    from gpae.training.population import Population

    run = Population.run

    def broken(self, state, count):
        state, metrics = run(self, state, count)
        if int(np.asarray(state.update)[0]) > 4:
            metrics = {name: np.array(values) for name, values in metrics.items()}
            metrics["loss/critic"][:, 1] = np.nan
        return state, metrics

    monkeypatch.setattr(Population, "run", broken)
    result = gpae("train", *group_words(small, "gpae", tmp_path), "seeds=2")
    assert result.code == 3
    assert "loss/critic not finite at update 5, first in the losses" in result.err
    assert f"; {tmp_path / 'seed1'} has checkpoint 4" in result.err
    assert (tmp_path / "seed1" / "checkpoints" / "000000000004.json").is_file()
    assert (tmp_path / "seed0" / "checkpoints" / "000000000010.json").is_file()
    assert (tmp_path / "seed1" / "failure.txt").read_text() in result.err
    assert not (tmp_path / "seed0" / "failure.txt").exists()
