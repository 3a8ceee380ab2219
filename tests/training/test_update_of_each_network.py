"""Every network has its own loss, gradient norm and optimiser; reward models learn the reward."""

import dataclasses
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.methods import Coma, Dae, Gpae, Ippo, Mappo
from gpae.methods.dae import apply_reward_models
from gpae.training.population import Population
from gpae.training.update import initial_optimiser_states, minibatch_loss
from gpae.training.update.gradient_steps import gradient_step
from gpae.training.update.minibatch import prepare_batch

pytestmark = pytest.mark.slow

LEARNING_RATE, EPSILON, LARGEST_NORM = 1e-2, 1e-3, 0.05


@pytest.mark.parametrize("method", [Gpae(), Mappo(), Ippo(), Coma()])
def test_methods_without_reward_models_have_no_parameters_and_no_optimiser_for_them(
    learner, method
):
    setup = learner(method=method)
    state = jax.eval_shape(setup.initial_state, 0)
    assert setup.networks.keys() == setup.gradient.objective.networks.keys() == {"critic"}
    names = {"actor", "critic"}
    assert state.params.keys() == state.optimiser_states.keys() == names
    assert state.collector.hidden_states.keys() == names


@pytest.mark.parametrize("size", [1, 3])
def test_dae_has_as_many_reward_models_as_it_asks_for_with_an_optimiser_of_their_own(learner, size):
    setup = learner(method=Dae(reward_models=size))
    state = jax.eval_shape(setup.initial_state, 0)
    names = {"actor", "critic", "reward_model"}
    assert state.params.keys() == state.optimiser_states.keys() == names
    leaves = jax.tree.leaves(state.params["reward_model"])
    assert {leaf.shape[0] for leaf in leaves} == {size}
    for name in names:
        held, states = (of[name] for of in (state.params, state.optimiser_states))
        moments = [leaf.shape for leaf in jax.tree.leaves(states) if leaf.shape]
        assert moments == 2 * [leaf.shape for leaf in jax.tree.leaves(held)], name


@pytest.fixture(scope="module")
def setup(learner):
    return learner(
        method=Dae(),
        core="feedforward",
        learning_rate=LEARNING_RATE,
        anneal_learning_rate=False,
        adam_epsilon=EPSILON,
        max_gradient_norm=LARGEST_NORM,
    )


@pytest.fixture(scope="module")
def played(setup, experience):
    return experience(setup)


@pytest.fixture(scope="module")
def estimation(played):
    return played.estimation(played.window())


@pytest.fixture(scope="module")
def batch(estimation):
    return estimation.batch


@pytest.fixture(scope="module")
def step(setup, played, estimation, over_devices):
    """A gradient step: parameters before and after, its metrics, and the gradients behind it."""

    def run(params, estimation):
        prepared = prepare_batch(estimation.batch, estimation.hidden_states, 8)
        optimiser_states = initial_optimiser_states(setup.gradient.optimiser, params)
        loss = partial(minibatch_loss, setup.gradient.objective)
        minibatch = prepared.minibatch(prepared.totals())
        gradients, _ = jax.grad(loss, has_aux=True)(params, minibatch)
        (after, states), metrics = gradient_step(
            setup.gradient, params, optimiser_states, prepared, jnp.arange(4)[None]
        )
        return after, states, metrics, gradients

    return jax.tree.map(np.asarray, over_devices(run)(played.params, estimation))


@pytest.mark.parametrize("network", ["actor", "critic", "reward_model"])
def test_each_network_moves_by_its_own_clipped_gradient(played, step, network):
    after, states, metrics, gradients = (part.get(network, part) for part in step)
    norm = np.sqrt(sum((leaf.astype(np.float64) ** 2).sum() for leaf in jax.tree.leaves(gradients)))
    assert norm > 2 * LARGEST_NORM, "the norm is not clipped"
    np.testing.assert_allclose(metrics[f"update/{network}_gradient_norm"], norm, rtol=1e-4)

    def adam(parameter, gradient):
        """Its first step, in which the moments are those of one gradient."""
        clipped = gradient * LARGEST_NORM / norm
        return parameter - LEARNING_RATE * clipped / (np.abs(clipped) + EPSILON)

    expected = jax.tree.map(adam, played.params[network], gradients)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), after, expected
    )
    counts = {int(leaf) for leaf in jax.tree.leaves(states) if leaf.shape == ()}
    assert counts == {1}


def test_the_reward_models_loss_is_half_their_squared_errors_for_the_actions_taken(
    setup, played, batch, step
):
    models, steps, policy = setup.networks["reward_model"], batch.steps, batch.policy
    inputs = models.inputs(steps.observation, policy, policy.summary(), steps.actions)
    run = jax.jit(partial(apply_reward_models, models.module))
    rewards = np.asarray(run(played.params["reward_model"], inputs))
    total = 0.0
    for m, t, e, n in np.ndindex(rewards.shape[:-1]):
        error = rewards[m, t, e, n, steps.actions[t, e, n]] - steps.rewards[t, e]
        total += 0.5 * error**2
    _, _, metrics, _ = step
    expected = total / np.prod(rewards.shape[1:-1])
    np.testing.assert_allclose(metrics["loss/reward_model"], expected, rtol=1e-4)


@dataclasses.dataclass(frozen=True)
class NoisyPayoffs:
    """One step, two agents, three actions each: a payoff of the joint action, plus fair noise."""

    spec = EnvironmentSpec("test/noisy-payoffs", 2, 2, 1, DiscreteActions(3), 1)
    payoffs = ((1.0, 0.0, -1.0), (0.5, 2.0, 0.0), (-0.5, 1.0, 0.2))
    noise = 0.5

    def reset(self, key):
        del key
        return jnp.int32(0), self.observation()

    def step(self, key, state, actions):
        sign = jax.random.rademacher(key, ())
        return state + 1, Step(
            observation=self.observation(),
            actions=actions,
            reward=jnp.array(self.payoffs)[actions[0], actions[1]] + self.noise * sign,
            terminated=jnp.array(True),
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self):
        return Observation(
            observations=jnp.eye(2),
            state=jnp.ones(1),
            available_actions=jnp.ones((2, 3), bool),
            alive=jnp.ones(2, bool),
        )


@dataclasses.dataclass
class Still(Dae):
    """DAE whose policy stays as it began, so that every joint action is seen until the end."""

    def estimate(self, evidence):
        estimate = super().estimate(evidence)
        return estimate.replace(advantages=jnp.zeros_like(estimate.advantages))


def test_reward_models_learn_a_reward_down_to_its_noise(learner, cpu_devices, critic_inputs):
    updates, game = 50, NoisyPayoffs()
    setup = learner(
        game,
        Still(),
        core="feedforward",
        environments=32,
        steps=8,
        updates=updates,
        epochs=8,
        learning_rate=2e-2,
        network={"hidden_size": 32},
    )
    population = Population(setup, cpu_devices[:1], updates)
    state, metrics = population.run(population.initial_state(0), updates)
    losses = metrics["loss/reward_model"][:, 0]
    floor = 2 * 0.5 * game.noise**2
    assert losses[0] > 2 * floor
    np.testing.assert_allclose(losses[-5:].mean(), floor, rtol=0.1)

    models = setup.networks["reward_model"]
    (params,) = population.split(state.params["reward_model"])
    actions = np.array(list(np.ndindex(3, 3)))
    observation = jax.tree.map(
        lambda leaf: jnp.broadcast_to(leaf, (9, *leaf.shape)), game.observation()
    )
    taken = jax.nn.one_hot(actions, 3)
    inputs = critic_inputs(models.spec, observation, taken, taken)[None]
    run = jax.jit(partial(apply_reward_models, models.module))
    learnt = np.asarray(run(params, inputs))[:, 0]
    payoffs = np.array(game.payoffs)
    for joint, (first, second) in enumerate(actions):
        of_agents = np.stack([payoffs[:, second], payoffs[first]])
        for model in range(2):
            np.testing.assert_allclose(learnt[model, joint], of_agents, atol=0.15)
