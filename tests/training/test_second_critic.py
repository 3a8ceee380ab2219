"""A method with a second critic: both are learned, each with its own targets and hidden states."""

from dataclasses import dataclass

import jax
import numpy as np
import pytest

from gpae.methods import Gpae, ValueNetwork
from gpae.networks import CriticSpec
from gpae.training.population import Population

pytestmark = pytest.mark.slow

UPDATES, ENVIRONMENTS, STEPS, HIDDEN = 2, 4, 8, 8


@dataclass
class WithBaseline(Gpae):
    """GPAE with a team value beside its critic, regressed on one-step targets."""

    def networks(self, spec, network, update):
        baseline = ValueNetwork("baseline", CriticSpec(per_agent=False), network, update)
        return {**super().networks(spec, network, update), "baseline": baseline}

    def estimate(self, evidence):
        estimate = super().estimate(evidence)
        following = evidence.networks["baseline"].next_values
        target = evidence.rewards[..., None] + evidence.discounts[..., None] * following
        return estimate.replace(targets={**estimate.targets, "baseline": target})


@pytest.fixture(scope="module")
def setup(learner):
    return learner(method=WithBaseline(), environments=ENVIRONMENTS, steps=STEPS, epochs=1)


def trained(setup, device):
    """The state before and after some updates, and their metrics."""
    population = Population(setup, (device,), UPDATES)
    state, metrics = population.run(population.initial_state(0), UPDATES)
    (after,), (of_run,) = population.split(state), population.split_metrics(metrics)
    return population.first_state(0), after, of_run


@pytest.fixture(scope="module")
def run(setup, cpu_devices):
    return trained(setup, cpu_devices[0])


@pytest.mark.parametrize("network", ["actor", "critic", "baseline"])
def test_every_network_is_learned(run, network):
    before, after, metrics = run
    moves = jax.tree.map(
        lambda a, b: np.abs(a - b).max(), before.params[network], after.params[network]
    )
    assert max(jax.tree.leaves(moves)) > 1e-4
    assert (metrics[f"update/{network}_gradient_norm"] > 1e-4).all()
    assert metrics[f"loss/{network}"].shape == (UPDATES,)
    assert np.isfinite(metrics[f"loss/{network}"]).all()


def test_hidden_states_of_both_critics_are_kept(run):
    _, after, _ = run
    for name, outputs in (("critic", 3), ("baseline", 1)):
        carried = after.collector.hidden_states[name]
        assert carried.shape == (ENVIRONMENTS, outputs, HIDDEN)
        assert np.abs(carried).max() > 1e-3
        stored = after.window.rollouts.hidden_states[name]
        assert stored.shape == (1, ENVIRONMENTS, outputs, HIDDEN)
        assert np.abs(stored).max() > 1e-3, "the second rollout begins where the first stopped"


def test_a_second_critic_changes_nothing_for_the_others(run, learner, cpu_devices):
    plain = learner(method=Gpae(), environments=ENVIRONMENTS, steps=STEPS, epochs=1)
    _, expected, metrics = trained(plain, cpu_devices[0])
    _, after, found = run
    for name in ("actor", "critic"):
        jax.tree.map(
            lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5),
            after.params[name],
            expected.params[name],
        )
    assert found.keys() - metrics.keys() == {"loss/baseline", "update/baseline_gradient_norm"}


def test_each_critics_loss_is_of_its_own_targets(setup, experience, over_devices, minibatch_of):
    played = experience(setup)
    estimation = played.estimation(played.window())
    batch = estimation.batch
    assert batch.values["baseline"].shape == (STEPS, ENVIRONMENTS, 1)
    assert batch.values["critic"].shape == (STEPS, ENVIRONMENTS, 3)
    inside = ~np.asarray(batch.steps.terminated | batch.steps.truncated)[:-1]
    following = batch.steps.rewards[:-1] + 0.9 * batch.values["baseline"][1:, :, 0]
    np.testing.assert_allclose(
        batch.targets["baseline"][:-1, :, 0][inside], following[inside], rtol=1e-5, atol=1e-5
    )
    for name in ("critic", "baseline"):

        def loss(params, estimation, name=name):
            minibatch = minibatch_of(estimation, STEPS)
            return setup.gradient.objective.loss(name, params, minibatch)

        scaled, metrics = over_devices(loss)(played.params[name], estimation)
        expected = 0.5 * np.mean((batch.values[name] - batch.targets[name]) ** 2)
        assert expected > 1e-3
        np.testing.assert_allclose(metrics[f"loss/{name}"], expected, rtol=1e-4)
        coefficient = setup.gradient.settings.value_coefficient
        np.testing.assert_allclose(scaled, coefficient * expected, rtol=1e-4)
