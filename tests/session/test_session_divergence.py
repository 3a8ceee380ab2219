"""Numbers that are not finite end a run with exit code 3, and the last good checkpoint is kept."""

import math

import jax
import numpy as np
import pytest

from gpae.training.evaluation import Evaluator

pytestmark = pytest.mark.slow


def diverged(result, advice="update.learning_rate"):
    assert result.code == 3
    assert result.err.startswith("gpae: training has diverged: ")
    assert result.err.count("\n") == 1
    assert "Traceback" not in result.err
    assert advice in result.err
    return result.err


def test_nan_in_a_loss(gpae, small, straight, metrics, final_arrays, broken_results, tmp_path):
    def change(state, metrics, updates):
        for row, update in enumerate(updates):
            if update >= 6:
                metrics["loss/actor"][row] = np.nan
                metrics["loss/critic"][row] = np.inf
        return state, metrics

    broken_results(change)
    folder = tmp_path / "run"
    line = diverged(gpae("train", *small(), f"run.folder={folder}"))
    assert "loss/actor, loss/critic not finite at update 6, first in the losses" in line
    assert f"{folder} has checkpoint 4, the last good one" in line
    assert metrics(folder) == metrics(straight("gpae")[0])[:5]
    arrays = final_arrays(folder)
    assert int(arrays["state/clock/update"]) == 4
    assert all(np.isfinite(array).all() for array in arrays.values() if array.dtype.kind == "f")


def test_nan_in_the_parameters_alone_is_never_saved(
    gpae, small, final_arrays, broken_results, tmp_path
):
    def change(state, metrics, updates):
        if 8 in updates:
            params = jax.tree.map(lambda leaf: leaf * np.nan, state.params)
            state = state.replace(params=params)
        return state, metrics

    broken_results(change)
    folder = tmp_path / "run"
    line = diverged(gpae("train", *small(), f"run.folder={folder}"))
    assert "parameters not finite at update 8, first in the parameters" in line
    assert "checkpoint 4, the last good one" in line
    assert int(final_arrays(folder)["state/clock/update"]) == 4


def test_nan_in_an_evaluation(gpae, small, monkeypatch, tmp_path):
    evaluate = Evaluator.evaluate

    def broken(self, *arguments, greedy):
        episodes = evaluate(self, *arguments, greedy=greedy)
        return {**episodes, "episode_return": episodes["episode_return"] * np.nan}

    monkeypatch.setattr(Evaluator, "evaluate", broken)
    folder = tmp_path / "run"
    result = gpae("train", *small(), f"run.folder={folder}")
    line = diverged(result, advice="check_environment")
    assert "evaluation/greedy/episode_return not finite at update 0, first in the reward" in line
    assert "no checkpoint yet" in line
    assert not (folder / "evaluations.jsonl").exists()


def test_a_learning_rate_far_too_large(gpae, small, metrics, final_arrays, tmp_path):
    folder = tmp_path / "run"
    words = small(update__learning_rate="1e30", network__core="feedforward")
    line = diverged(gpae("train", *words, f"run.folder={folder}"))
    assert "checkpoint 0, the last good one" in line
    recorded = metrics(folder) if (folder / "metrics.jsonl").exists() else []
    assert all(math.isfinite(value) for record in recorded for value in record.values())
    assert int(final_arrays(folder)["state/clock/update"]) == 0


def test_memory_that_does_not_suffice(gpae, small, monkeypatch, tmp_path):
    from gpae.runs.system import System

    def exhausted(*_):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")

    monkeypatch.setattr(System, "initial_snapshot", exhausted)
    result = gpae("train", *small(), f"run.folder={tmp_path}/run")
    assert result.code == 2
    assert result.err.startswith("gpae: the device's memory does not suffice: lower rollout.")
    assert result.err.count("\n") == 1


def test_other_failures_of_the_device_are_not_called_that(gpae, small, monkeypatch, tmp_path):
    from gpae.runs.system import System

    def failed(*_):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(System, "initial_snapshot", failed)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        gpae("train", *small(), f"run.folder={tmp_path}/run")


def test_a_sweep_goes_on_with_the_next_run(gpae, small, tmp_path):
    words = small(update__learning_rate="1e30,1e-3", network__core="feedforward")
    result = gpae("train", "-m", *words, f"run.root={tmp_path}")
    diverged(result)
    assert "run 2 of 2" in result.out
    assert "final hit" in result.out
    assert len(list(tmp_path.iterdir())) == 2
