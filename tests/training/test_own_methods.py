"""This library's own methods in the learner: windows, chunks, devices and populations."""

import jax
import numpy as np
import pytest

from gpae.methods import QCorrected, VBootstrapped
from gpae.training.population import Population

pytestmark = pytest.mark.slow

UPDATES, STEPS, AGENTS = 2, 8, 3
OWN = {"v_bootstrapped": VBootstrapped(), "q_corrected": QCorrected()}


@pytest.fixture(scope="module", params=OWN)
def setup(request, learner):
    """A recurrent learner with a window, minibatches and chunks."""
    settings = {"environments": 8, "steps": STEPS, "minibatches": 2, "chunk": 4}
    return learner(method=OWN[request.param], window=2, mode="constant_batch", **settings)


def trained(population, *seeds):
    """Each run's state and metrics at the end, on the host."""
    state, metrics = population.run(population.initial_state(*seeds), UPDATES)
    return population.split(state), population.split_metrics(metrics)


@pytest.fixture(scope="module")
def alone(setup, cpu_devices):
    return trained(Population(setup, cpu_devices[:1], UPDATES), 1)


def assert_close(one, other):
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3), one, other)


def test_two_devices_make_finite_updates_from_the_same_collection(setup, cpu_devices, alone):
    """Minibatches are drawn on each device by itself, so that gradient steps differ."""
    (state,), (metrics,) = trained(Population(setup, cpu_devices, UPDATES), 1)
    assert all(np.isfinite(values).all() for values in metrics.values())
    first = alone[1][0]
    for name in ("estimate/advantage_std", "estimate/value_mean", "trace/coefficient"):
        np.testing.assert_allclose(metrics[name][0], first[name][0], rtol=1e-3, atol=1e-4)
    assert state.params.keys() == alone[0][0].params.keys()


def test_a_member_of_a_population_is_the_run_alone(setup, cpu_devices, alone):
    states, metrics = trained(Population(setup, cpu_devices[:1], UPDATES, runs=2), 0, 1)
    assert_close(states[1].params, alone[0][0].params)
    assert_close(metrics[1], alone[1][0])


@pytest.fixture(scope="module")
def played(learner, experience):
    """Two rollouts of Q-corrected, of which the first is off-policy."""
    return experience(learner(method=QCorrected(), window=2), count=2, drift=0.3)


@pytest.fixture(scope="module")
def batch(played):
    return jax.tree.map(np.asarray, played.estimation(played.window()).batch)


def test_predictions_and_targets_of_the_decomposed_critic_are_of_q_alone(batch):
    shape = (2 * STEPS, 4, 1)
    assert batch.values["critic"].shape == batch.targets["critic"].shape == shape
    assert np.abs(batch.log_ratios[:STEPS]).max() > 0.1
    assert np.isfinite(batch.targets["critic"]).all()


def test_agents_without_a_choice_have_one_advantage_the_teams(batch):
    """Their terms are zero, so that joint traces give each the sum of dQ."""
    choices = batch.steps.observation.available_actions.sum(-1)
    dead = ~batch.steps.observation.alive
    assert dead.any()
    assert (choices[dead] == 1).all()
    joint = np.minimum(1.0, np.exp(batch.log_ratios.sum(-1)))[..., None]
    errors = (batch.targets["critic"] - batch.values["critic"]) / joint
    errors = np.broadcast_to(errors, dead.shape)
    np.testing.assert_allclose(batch.advantages[dead], errors[dead], rtol=1e-3, atol=1e-3)
    elsewhere = np.abs(batch.advantages - errors)[~dead]
    assert np.median(elsewhere) > 1e-2
