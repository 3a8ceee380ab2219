"""How several runs share devices."""

from types import SimpleNamespace

import jax
import numpy as np
import pytest

from gpae.training.population import Population, make_population


@pytest.mark.parametrize(
    ("available", "runs", "shares", "limit", "lanes", "devices_a_run"),
    [
        (2, 2, 8, 0, 2, 1),
        (2, 4, 8, 0, 2, 1),
        (2, 5, 8, 0, 1, 2),
        (2, 5, 7, 0, 1, 1),
        (2, 5, 8, 1, 1, 1),
        (8, 4, 8, 0, 4, 2),
        (8, 4, 9, 0, 4, 1),
        (8, 6, 8, 0, 6, 1),
        (8, 2, 8, 2, 2, 2),
        (2, 4, 8, 2, 1, 2),
        (2, 4, 7, 2, 2, 1),
        (4, 4, 8, 2, 2, 2),
        (4, 4, 8, 9, 1, 4),
    ],
)
def test_runs_come_before_environments(
    available, runs, shares, limit, lanes, devices_a_run, monkeypatch
):
    monkeypatch.setattr(jax, "local_devices", lambda: list(range(available)))
    population = make_population(SimpleNamespace(shares=shares), runs, limit, 1)
    assert (population.runs, population.lanes) == (runs, lanes)
    assert len(population.devices) == lanes * devices_a_run
    assert len(set(population.devices)) == len(population.devices)


def test_a_single_run_is_a_population_of_one():
    population = make_population(SimpleNamespace(shares=1), 1, 0, 1)
    assert (population.runs, population.lanes, population.devices_a_run) == (1, 1, 1)


def test_as_many_states_as_runs():
    device = jax.local_devices()[0]
    population = Population(SimpleNamespace(), (device,), 1, runs=2)
    with pytest.raises(ValueError, match="expected 2, found 3"):
        population.join([{}, {}, {}])


UPDATES, SEEDS = 2, (0, 1, 2, 3)


def trained(population, seeds):
    """Each run's state and metrics at the end, on the host."""
    state, metrics = population.run(population.initial_state(*seeds), UPDATES)
    return population.split(state), population.split_metrics(metrics)


@pytest.fixture(scope="module")
def small(learner):
    return learner(steps=4, epochs=1, window=2, mode="growing_batch", network={"hidden_size": 4})


@pytest.fixture(scope="module")
def alone(small, cpu_devices):
    """Runs each in a population of one."""
    population = Population(small, cpu_devices[:1], UPDATES)
    runs = [trained(population, (seed,)) for seed in SEEDS]
    return [state for (state,), _ in runs], [metrics for _, (metrics,) in runs]


def assert_same_runs(found, expected):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4),
        found,
        expected,
    )


@pytest.mark.slow
def test_runs_together_are_the_runs_alone(small, alone, cpu_devices):
    population = Population(small, cpu_devices[:1], UPDATES, runs=len(SEEDS))
    states, metrics = trained(population, SEEDS)
    assert_same_runs((states, metrics), alone)
    losses = [each["loss/critic"] for each in metrics]
    assert losses[0].shape == (UPDATES,)
    assert np.abs(losses[0] - losses[1]).min() > 1e-3, "seeds are runs of their own"


@pytest.mark.slow
def test_runs_in_lanes_phase_by_phase_are_the_runs_alone(small, alone, cpu_devices):
    population = Population(small, cpu_devices, UPDATES, runs=len(SEEDS), lanes=2)
    state, rows, told = population.initial_state(*SEEDS), [], []
    for _ in range(UPDATES):
        state, metrics = population.run_phases(state, told.append)
        rows.append(metrics)
    joined = jax.tree.map(lambda *each: np.concatenate(each), *rows)
    assert joined["loss/actor"].shape == (UPDATES, len(SEEDS))
    assert told == ["collect", "estimate", "update"] * UPDATES
    assert_same_runs((population.split(state), population.split_metrics(joined)), alone)
