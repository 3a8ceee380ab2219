"""Rewards of each agent's own: every policy-gradient method learns what each agent is paid for."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.errors import UserError
from gpae.methods import Dae, Gpae, Ippo, Mappo, QCorrected, VBootstrapped
from gpae.networks import apply_actor, initial_hidden_state
from gpae.training.population import Population

pytestmark = pytest.mark.slow

UPDATES = 40
METHODS = {each.name: each for each in (Gpae(), Ippo(), Dae(), Mappo(), VBootstrapped())}


@dataclasses.dataclass(frozen=True)
class OpposedBandits:
    """A game of one step: agent i is paid 1 for action i alone, and its mates pay for it.

    The rewards of the agents sum to 0 whatever they do, so that a team reward, their mean, could
    teach nothing.
    """

    spec = EnvironmentSpec(
        "test/opposed-bandits", 3, 3, 1, DiscreteActions(3), 1, agent_rewards=True
    )

    def reset(self, key):
        del key
        return jnp.int32(0), self.observation()

    def step(self, key, state, actions):
        del key
        right = (actions == jnp.arange(3)).astype(jnp.float32)
        return state + 1, Step(
            observation=self.observation(),
            actions=actions,
            reward=right - right.mean(),
            terminated=jnp.array(True),
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(3, bool),
        )

    def observation(self):
        return Observation(
            observations=jnp.eye(3),
            state=jnp.ones(1),
            available_actions=jnp.ones((3, 3), bool),
            alive=jnp.ones(3, bool),
        )


@pytest.fixture(scope="module", params=METHODS)
def trained(request, learner, cpu_devices):
    """A learner, its population's state at the end, and its metrics."""
    setup = learner(
        OpposedBandits(),
        METHODS[request.param],
        core="feedforward",
        environments=32,
        steps=4,
        updates=UPDATES,
        epochs=4,
        learning_rate=1e-2,
        network={"hidden_size": 32},
    )
    population = Population(setup, cpu_devices[:1], UPDATES)
    state, metrics = population.run(population.initial_state(0), UPDATES)
    return setup, population.split(state)[0], population.split_metrics(metrics)[0]


def test_each_agent_learns_the_action_it_is_paid_for(trained):
    setup, state, _ = trained
    observation = OpposedBandits().observation()
    _, policy = apply_actor(
        setup.actor,
        state.params["actor"],
        initial_hidden_state(setup.network, 1, 3),
        observation.observations[None, None],
        observation.available_actions[None, None],
        jnp.ones((1, 1), bool),
    )
    assert (jnp.diagonal(policy.probabilities[0, 0]) > 0.9).all()


def test_rewards_are_kept_for_each_agent(trained):
    _, state, metrics = trained
    steps = jax.tree.map(np.asarray, state.window.rollouts.steps)
    assert steps.rewards.shape == (*steps.first.shape, 3)
    right = (steps.actions == np.arange(3)).astype(np.float32)
    expected = right - right.mean(-1, keepdims=True)
    np.testing.assert_allclose(steps.rewards, expected, atol=1e-6)
    assert np.abs(metrics["train/episode_return"]).max() < 1e-6, "the team reward is 0"


def test_a_method_of_one_team_reward_refuses(learner):
    with pytest.raises(UserError, match="pays each agent a reward of its own, and q_corrected"):
        learner(OpposedBandits(), QCorrected())
