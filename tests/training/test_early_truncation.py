"""Truncations at any time: values are right whatever time limit the environment states."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.methods import Gpae, Mappo
from gpae.networks import apply_actor, initial_hidden_state
from gpae.training.population import Population

pytestmark = pytest.mark.slow

UPDATES, DISCOUNT, LATE = 60, 0.9, 3


@dataclasses.dataclass(frozen=True)
class Line:
    """Two agents that walk along a line, paid 1 a step for ever from its fourth place on.

    The walk is cut off every 6 steps, whatever the spec states.
    """

    stated_limit: int | None
    early_truncation: bool = True

    @property
    def spec(self):
        size = LATE + 1
        return EnvironmentSpec(
            "test/line",
            2,
            size,
            size,
            DiscreteActions(2),
            self.stated_limit,
            early_truncation=self.early_truncation,
        )

    def reset(self, key):
        del key
        return jnp.int32(0), self.observation(jnp.int32(0))

    def step(self, key, state, actions):
        del key
        return state + 1, Step(
            observation=self.observation(state + 1),
            actions=actions,
            reward=(state >= LATE).astype(jnp.float32),
            terminated=jnp.array(False),
            truncated=state + 1 >= 6,
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self, state):
        seen = jax.nn.one_hot(jnp.minimum(state, LATE), LATE + 1)
        return Observation(
            observations=jnp.tile(seen, (2, 1)),
            state=seen,
            available_actions=jnp.ones((2, 2), bool),
            alive=jnp.ones(2, bool),
        )


def trained(learner, environment, method, devices, updates):
    setup = learner(
        environment,
        method,
        core="feedforward",
        environments=16,
        steps=32,
        updates=updates,
        discount=DISCOUNT,
        epochs=8,
        learning_rate=1e-2,
        network={"hidden_size": 16},
    )
    population = Population(setup, devices[:1], updates)
    state, metrics = population.run(population.initial_state(0), updates)
    return setup, population.split(state)[0], population.split_metrics(metrics)[0]


def late_values(setup, params):
    """The critic's values of each agent on the fourth place."""
    environment = Line(None)
    observation = jax.tree.map(lambda leaf: leaf[None], environment.observation(jnp.int32(LATE)))
    hidden_state, first = initial_hidden_state(setup.network, 1, 2), jnp.zeros((1, 1), bool)
    _, policy = apply_actor(
        setup.actor,
        params["actor"],
        hidden_state,
        observation.observations[None],
        observation.available_actions[None],
        first,
    )
    critic, actions = setup.networks["critic"], jnp.zeros((1, 2), jnp.int32)
    inputs = critic.inputs(observation, policy[0], policy[0].summary(), actions)
    _, outputs = critic.apply(params["critic"], hidden_state, inputs[None], first)
    return np.asarray(critic.values(outputs[0], actions))


@pytest.mark.parametrize("method", [Mappo(), Gpae()], ids=lambda method: method.name)
@pytest.mark.parametrize("stated_limit", [6, 50, None])
def test_the_late_value_is_that_of_rewards_for_ever(learner, cpu_devices, stated_limit, method):
    setup, state, _ = trained(learner, Line(stated_limit), method, cpu_devices, UPDATES)
    np.testing.assert_allclose(late_values(setup, state.params), 1 / (1 - DISCOUNT), atol=0.1)


@pytest.mark.parametrize(("stated_limit", "lost"), [(6, 0), (50, 16 * 4)])
def test_successors_without_a_slot_are_counted(learner, cpu_devices, stated_limit, lost):
    """Of the 5 truncations in 32 steps, 1 finds a slot where the limit says 50."""
    environment = Line(stated_limit, early_truncation=False)
    _, _, metrics = trained(learner, environment, Mappo(), cpu_devices, 1)
    assert metrics["train/lost_truncations"] == [lost]
