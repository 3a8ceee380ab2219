"""One device or two, one call or three, phase by phase or not: the same run."""

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from gpae.training.evaluation import Evaluator
from gpae.training.keys import Clock
from gpae.training.population import Population, choose_devices, make_population
from gpae.training.protocol import Phase
from gpae.training.update.gradient_steps import _minibatch_order

pytestmark = pytest.mark.slow

UPDATES = 3


def copied(state):
    """A copy on the host: a population consumes the state it is given."""
    return jax.tree.map(np.array, state)


def assert_close(one, other, tolerance):
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance), one, other
    )


def assert_identical(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.fixture(scope="module")
def setup(learner):
    return learner(window=2, mode="constant_batch", environments=8, steps=8)


@pytest.fixture(scope="module")
def two(setup, cpu_devices):
    return Population(setup, cpu_devices, UPDATES)


@pytest.fixture(scope="module")
def at_once(two):
    """All updates in one call on two devices: final state and metrics."""
    state, metrics = two.run(two.initial_state(0), UPDATES)
    return copied(state), metrics


@pytest.fixture(scope="module")
def one_by_one(two, setup, cpu_devices):
    """The states and metrics of one update a call on two devices, evaluated in between."""
    actor, network = setup.estimation.actor, setup.network
    evaluator = Evaluator(setup.collection.environment, actor, network, 3, cpu_devices)
    state, records = two.initial_state(0), []
    for update in range(UPDATES):
        (acting,) = two.split(state.params["actor"])
        evaluator.evaluate(acting, 0, update, greedy=False)
        state, metrics = two.run(state, 1)
        records.append((copied(state), metrics))
    return records


@pytest.fixture(scope="module")
def phase_by_phase(setup, cpu_devices):
    """The states and metrics of updates made phase by phase on one device, and the phases told."""
    population, told, records = Population(setup, cpu_devices[:1], UPDATES), [], []
    state = population.initial_state(0)
    for _ in range(UPDATES):
        state, metrics = population.run_phases(state, told.append)
        records.append((copied(state), metrics))
    return records, told


def test_one_call_is_three_calls_bit_for_bit(at_once, one_by_one):
    state, metrics = at_once
    assert_identical(state, one_by_one[-1][0])
    joined = jax.tree.map(lambda *rows: np.concatenate(rows), *(r[1] for r in one_by_one))
    assert_identical(metrics, joined)
    assert state.update == UPDATES


def test_one_device_collects_what_two_do(one_by_one, phase_by_phase):
    (two, metrics), (one, expected) = one_by_one[0], phase_by_phase[0][0]
    assert_close(two.window, one.window, 1e-6)
    assert_close(two.collector, one.collector, 1e-5)
    np.testing.assert_array_equal(
        two.window.rollouts.steps.actions, one.window.rollouts.steps.actions
    )
    episodes = [name for name in metrics if name.startswith("train/")]
    assert set(episodes) > {"train/episodes", "train/episode_return", "train/late"}
    for name in episodes:
        np.testing.assert_allclose(metrics[name], expected[name], rtol=1e-5, atol=1e-5)
    assert metrics["train/episodes"].item() > 0


@pytest.mark.parametrize("update", range(UPDATES))
def test_one_device_learns_what_two_do_phase_by_phase_or_not(one_by_one, phase_by_phase, update):
    (two, metrics), (one, expected) = one_by_one[update], phase_by_phase[0][update]
    assert_close(two.params, one.params, 1e-4)
    assert metrics.keys() == expected.keys()
    assert_close(metrics, expected, 2e-3)


def test_every_update_moves_both_networks(one_by_one):
    for before, after in pairwise(one_by_one):
        for network in ("actor", "critic"):
            old, new = (record[0].params[network] for record in (before, after))
            moves = jax.tree.map(lambda a, b: np.abs(a - b).max(), old, new)
            assert max(jax.tree.leaves(moves)) > 1e-4


def test_on_two_devices_log_ratios_are_zero_right_after_collection(one_by_one):
    largest = [metrics["estimate/largest_log_ratio"].item() for _, metrics in one_by_one]
    assert largest[0] <= 1e-5
    assert largest[1] > 1e-4, "the window is off-policy"


def test_what_acted_is_handed_from_phase_to_phase_as_within_a_call(learner, cpu_devices):
    """At M = 1, and the first gradient step finds the policy that acted."""
    population = Population(learner(environments=8, steps=8, epochs=1, chunk=4), cpu_devices, 1)
    assert population.learner.phases[0].output_sharding is not None
    state, metrics = population.run(population.initial_state(0), 1)
    apart, told = population.run_phases(population.initial_state(0), lambda name: None)
    assert_close((state, metrics), (apart, told), 1e-5)
    assert metrics["train/episodes"].item() > 0
    for name in ("estimate/largest_log_ratio", "update/approximate_kl", "update/clip_fraction"):
        np.testing.assert_allclose(metrics[name], 0.0, atol=1e-6, err_msg=name)


def test_phases_are_told_in_order(phase_by_phase):
    assert phase_by_phase[1] == ["collect", "estimate", "update"] * UPDATES


@pytest.mark.parametrize("count", [0, UPDATES + 1])
def test_a_call_of_too_many_updates_is_refused(two, count):
    with pytest.raises(ValueError, match=f"count: expected 1 to {UPDATES}, found {count}"):
        two.run(None, count)


@pytest.mark.parametrize(
    ("environments", "minibatches", "limit", "used"),
    [(8, 1, 0, 2), (8, 4, 0, 2), (8, 8, 0, 1), (7, 1, 0, 1), (8, 1, 1, 1), (8, 1, 5, 2)],
)
def test_devices_split_environments_and_minibatches_evenly(
    monkeypatch, learner, cpu_devices, environments, minibatches, limit, used
):
    monkeypatch.setattr(jax, "local_devices", lambda: list(cpu_devices))
    shares = learner(environments=environments, minibatches=minibatches).shares
    assert choose_devices(shares, limit) == list(cpu_devices[:used])


def test_environments_that_do_not_split_into_minibatches_are_refused(learner):
    with pytest.raises(ValueError, match="6 environments do not split into 4 minibatches"):
        _ = learner(environments=6, minibatches=4).shares


def test_seeds_share_one_compilation(two, compilations):
    two.run(two.initial_state(0), 1)
    compilations.clear()
    state, _ = two.run(two.initial_state(1), 1)
    two.run(state, 1)
    assert not any("_run_shard" in name for name in compilations)


@pytest.mark.parametrize("runs", [1, 2])
def test_an_update_is_traced_once(setup, runs, monkeypatch):
    traced = []

    def collect_phase(learner, state, inputs, environments):
        traced.append("collect")
        return original(learner, state, inputs, environments)

    original = type(setup).collect_phase
    monkeypatch.setattr(type(setup), "collect_phase", collect_phase)
    population = make_population(setup, runs, 1, UPDATES)
    state = population.initial_state(*range(runs))
    population._compiled_run.trace(state, *population._constants, np.int32(1))
    assert traced == ["collect"]


@pytest.mark.parametrize("runs", [1, 2])
def test_what_was_compiled_ahead_is_what_runs(setup, runs, compilations):
    population = make_population(setup, runs, 0, UPDATES)
    population.compile_ahead()
    state = population.initial_state(*range(runs))
    for _ in range(2):
        state, _ = population.run(state, 1)
    assert sum("_run_shard" in name for name in compilations) == 1


def population_of_broken(setup, collect, devices):
    """A population of a learner whose only phase is the given one."""
    names = "budget", "state_sharding", "initial_state", "hyperparameters"
    like = {name: getattr(setup, name) for name in names}
    broken = SimpleNamespace(**like, phases=(Phase("collect", collect),))
    broken.with_hyperparameters = lambda values: broken
    return Population(broken, devices, 1)


def test_what_cannot_be_traced_is_told_at_once(setup, cpu_devices):
    def untraceable(state, inputs, environments):
        raise ArithmeticError("no such step")

    with pytest.raises(ArithmeticError, match="no such step"):
        population_of_broken(setup, untraceable, cpu_devices).compile_ahead()


def test_what_cannot_be_compiled_is_told_where_it_runs(setup, cpu_devices):
    def uncompilable(state, inputs, environments):
        metrics = {"step": jax.ffi.ffi_call("no_such_step", environments)(environments)}
        return state, None, metrics

    population = population_of_broken(setup, uncompilable, cpu_devices)
    population.compile_ahead()
    state = population.initial_state(0)
    with pytest.raises(jax.errors.JaxRuntimeError, match="no_such_step"):
        population.run(state, 1)


def test_first_parameters_are_drawn_in_one_thread():
    def threads():
        return [library["num_threads"] for library in threadpool_info()]

    seen = []

    def initial_state(seed):
        seen.extend(threads())
        return seed

    learner = SimpleNamespace(initial_state=initial_state)
    with threadpool_limits(limits=2, user_api="blas"):
        Population(learner, (), 1).first_state(3)
        assert max(threads()) == 2
    assert seen
    assert max(seen) == 1


def test_minibatches_of_an_epoch_are_every_environment_once(setup, over_devices):
    settings = replace(setup.gradient.settings, minibatches=2)
    plan = replace(setup.gradient, objective=replace(setup.gradient.objective, settings=settings))
    order = over_devices(lambda clock: _minibatch_order(plan, clock, 4))
    epochs, later = (
        np.asarray(order(Clock(np.uint32(0), np.int32(update)))).reshape(2, 8) for update in (5, 6)
    )
    np.testing.assert_array_equal(np.sort(epochs, axis=1), np.tile(np.arange(8), (2, 1)))
    assert (epochs[0] != epochs[1]).any()
    assert (epochs != later).any(axis=1).all()
