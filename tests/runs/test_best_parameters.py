"""The best parameters are those of the best mean of exact values, in the metric's direction."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import EnvironmentSpec, Metric
from gpae.report.evaluations import Evaluations
from gpae.runs import RecordFile, RunFolder
from gpae.runs.member import Member
from gpae.runs.system import Best, Snapshot, System
from gpae.training.evaluation import headline_metric, metric_directions
from gpae.training.protocol import Budget


def played(metric, scores):
    """An evaluation whose episodes have some scores."""
    values = np.array(scores, np.float32)
    return {"greedy": {"episode_return": np.zeros_like(values), str(metric): values}}


@pytest.fixture
def evaluated(tmp_path):
    """A run whose parameters, the update's number, were evaluated after updates 0, 1, ..."""

    def run(metric, scores):
        environment = SimpleNamespace(spec=EnvironmentSpec("own", 1, 1, 1, None, None, (metric,)))
        system = SimpleNamespace(
            modes=("greedy",),
            metric=headline_metric(environment),
            directions=metric_directions(environment),
            budget=Budget(environments=1, env_steps=10, gradient_steps=1, updates=len(scores)),
            config=SimpleNamespace(run=SimpleNamespace(keep_checkpoints=1)),
            policy_spec=SimpleNamespace(write=lambda path: None),
            resumed=lambda state: state,
        )
        system.score = System.score.__get__(system)
        best = Best(score=jnp.float32(-jnp.inf), update=jnp.int32(0), params=None)
        system.initial_snapshot = lambda seed: Snapshot(state=None, best=best)
        config = {"seed": 0, "task": {"name": "own"}, "method": {"name": "gpae"}}
        member = Member(system, RunFolder.create(tmp_path / "run", config), seed=0)
        member.begin()
        with member.writer(None):
            for update, of_update in enumerate(scores):
                member.evaluated({"actor": np.array(update)}, update, played(metric, of_update))
        return member

    return run


@pytest.mark.parametrize(
    ("metric", "scores", "best"),
    [
        ("success", [[1.0, 2.0], [3.0, 4.0], [2.0, 2.0]], 1),
        ("success", [[0.0, 0.0], [2e-7, 0.0], [4e-7, 4e-7]], 2),
        ("success", [[1.0, 1.0], [1.0, 1.0000001], [1.0, 1.0]], 1),
        ("success", [[1.0], [1.0]], 0),
        (Metric("hits"), [[0.0], [3.0], [1.0]], 1),
        (Metric("collisions", maximise=False), [[3.0, 9.0], [1.0, 0.0], [2.0, 2.0]], 1),
        (Metric("collisions", maximise=False), [[4e-7], [0.0], [2e-7]], 1),
    ],
)
def test_the_best_mean_of_exact_values_is_kept(metric, scores, best, evaluated):
    member = evaluated(metric, scores)
    assert int(member.best.update) == int(member.best.params["actor"]) == best
    sign = 1 if getattr(metric, "maximise", True) else -1
    mean = np.float32(np.mean(np.array(scores[best], np.float32), dtype=np.float64))
    assert float(member.best.score) == sign * mean


def test_a_resumed_run_compares_with_the_exact_score(evaluated):
    scores = [[1.0, 1.0], [1.0, 1.0000001], [1.0, 1.0]]
    member = evaluated("success", scores)
    assert np.float32(member._best_score) == 1.0 < member._best_score
    snapshot = Snapshot(state=None, best=member.best)
    member.checkpoints = SimpleNamespace(restore=lambda template, step: snapshot)
    member.system.snapshot_shapes = lambda: None
    member.restore(2)
    assert member._best_score == np.mean(np.array(scores[1], np.float32), dtype=np.float64)


def test_records_hold_the_very_values(evaluated):
    values = [4e-7, 1 / 3, 1.0000001, 123456.789]
    member = evaluated("success", [values])
    (record,) = RecordFile(member.folder.evaluations_path).read()
    assert np.array_equal(np.array(record["success"], np.float32), np.array(values, np.float32))
    assert member.final == np.mean(record["success"])
    assert Evaluations.load(member.folder.path).means("success") == [member.final]


def test_a_record_says_in_which_direction_its_metrics_are_better(evaluated):
    member = evaluated(Metric("collisions", maximise=False), [[1.0]])
    (record,) = RecordFile(member.folder.evaluations_path).read()
    assert record["headline"] == "collisions"
    assert record["direction"] == {"collisions": "minimise"}


def test_directions_are_of_each_metric_and_larger_is_better_where_none_is_named():
    def directions(*metrics):
        spec = EnvironmentSpec("own", 1, 1, 1, None, None, metrics)
        return metric_directions(SimpleNamespace(spec=spec))

    assert directions() == {"episode_return": "maximise"}
    mixed = directions("won", Metric("lost", maximise=False))
    assert list(mixed.items()) == [("won", "maximise"), ("lost", "minimise")]
