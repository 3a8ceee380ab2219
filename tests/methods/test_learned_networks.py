"""The inputs of a learned network, and its values of the actions taken."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import Observation
from gpae.methods import UpdateSettings, ValueNetwork
from gpae.networks import CriticSpec, NetworkSettings

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, MODELS = 3, 2, 4, 5, 2
SHAPE = (STEPS, ENVIRONMENTS, AGENTS, ACTIONS)


def tags(*shape):
    """Every element's place in its digits."""
    weights = 10 ** np.arange(len(shape))[::-1]
    return jnp.asarray(np.tensordot(weights, np.indices(shape), axes=1), jnp.float32)


def network(**spec):
    """A network that reads what a critic of such a spec reads."""
    spec = CriticSpec(per_agent=True, **spec)
    return ValueNetwork("critic", spec, NetworkSettings(), UpdateSettings())


@pytest.fixture
def taken():
    return jnp.asarray(np.random.default_rng(0).integers(ACTIONS, size=SHAPE[:-1]))


@pytest.mark.parametrize("slot", ["policy", "action", "zeros"])
def test_a_critic_is_given_each_thing_in_its_place(slot):
    observation = Observation(
        state=tags(STEPS, ENVIRONMENTS, 7),
        observations=1e5 + tags(STEPS, ENVIRONMENTS, AGENTS, 7),
        available_actions=jnp.ones(SHAPE, bool),
        alive=jnp.ones(SHAPE[:-1], bool),
    )
    actions, summary = tags(*SHAPE), 3e5 + tags(*SHAPE)
    policy = SimpleNamespace(features=lambda actions: 2e5 + actions)
    critic = network(others_actions=True, own_slot=slot)
    inputs = critic.inputs(observation, policy, summary, actions)
    np.testing.assert_array_equal(inputs.state, observation.state)
    np.testing.assert_array_equal(inputs.observations, observation.observations)
    np.testing.assert_array_equal(inputs.action_features, 2e5 + actions)
    held = {"policy": summary, "action": 2e5 + actions, "zeros": 0 * summary}[slot]
    np.testing.assert_array_equal(inputs.own_features, held)


def test_of_action_values_the_one_taken_counts(taken):
    found = network(action_values=True).values(tags(*SHAPE), taken)
    assert found.shape == SHAPE[:-1]
    for t, e, n in np.ndindex(*SHAPE[:-1]):
        assert found[t, e, n] == 1000 * t + 100 * e + 10 * n + taken[t, e, n]


def test_of_several_models_too(taken):
    rewards = tags(MODELS, *SHAPE)
    actions = jnp.broadcast_to(taken, (MODELS, *taken.shape))
    found = network(action_values=True).values(rewards, actions)
    for m, t, e, n in np.ndindex(MODELS, *SHAPE[:-1]):
        assert found[m, t, e, n] == 10000 * m + 1000 * t + 100 * e + 10 * n + taken[t, e, n]


def test_values_that_are_not_of_actions_are_what_they_are(taken):
    values = tags(*SHAPE[:-1])
    assert network().values(values, taken) is values
