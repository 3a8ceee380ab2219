"""The agents' Q-network: hidden state, agent ids, and the greedy policy made of it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.networks import (
    GreedyActor,
    NetworkSettings,
    QNetwork,
    apply_actor,
    apply_q_network,
    initial_hidden_state,
)

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, SEEN = 6, 2, 3, 4, 5
NETWORK = QNetwork(NetworkSettings(hidden_size=8, head_hidden=False, actor_agent_id=True), ACTIONS)
START = initial_hidden_state(NETWORK.settings, ENVIRONMENTS, AGENTS)


@pytest.fixture(scope="module")
def observations():
    random = np.random.default_rng(0)
    return jnp.asarray(random.normal(size=(STEPS, ENVIRONMENTS, AGENTS, SEEN)), jnp.float32)


@pytest.fixture(scope="module")
def params(observations):
    resets = jnp.zeros((STEPS, ENVIRONMENTS), bool)
    return jax.jit(NETWORK.init)(jax.random.key(0), START, observations, resets)


@pytest.fixture(scope="module")
def run(params):
    compiled = jax.jit(lambda *inputs: apply_q_network(NETWORK, params, *inputs))
    return lambda hidden_state, observations, resets: compiled(
        hidden_state, observations, jnp.asarray(resets)
    )


def test_hidden_state_carries_over_a_cut_in_time_and_not_over_an_episode(run, observations):
    never = np.zeros((STEPS, ENVIRONMENTS), bool)
    hidden_states, values = run(START, observations, never)
    _, rest = run(hidden_states[2], observations[3:], never[3:])
    np.testing.assert_allclose(rest, values[3:], rtol=1e-5)
    resets = never.copy()
    resets[3, 0] = True
    _, reset = run(START, observations, resets)
    _, fresh = run(START, observations[3:], never[3:])
    np.testing.assert_array_equal(reset[3:, 1], values[3:, 1])
    np.testing.assert_allclose(reset[3:, 0], fresh[:, 0], rtol=1e-5)
    assert np.abs(fresh[:, 0] - values[3:, 0]).max() > 1e-3


def test_agents_that_see_the_same_differ_by_their_id(run, observations):
    same = jnp.broadcast_to(observations[:, :, :1], observations.shape)
    _, values = run(START, same, np.zeros((STEPS, ENVIRONMENTS), bool))
    assert np.ptp(np.asarray(values), axis=2).min() > 0


def test_greedy_is_the_available_action_of_most_value(run, params, observations):
    available = np.random.default_rng(1).random((STEPS, ENVIRONMENTS, AGENTS, ACTIONS)) < 0.5
    available[..., 2] = True
    resets = jnp.zeros((STEPS, ENVIRONMENTS), bool)
    hidden_states, policy = apply_actor(
        GreedyActor(NETWORK), params, START, observations, jnp.asarray(available), resets
    )
    expected_hidden_states, values = run(START, observations, resets)
    np.testing.assert_allclose(hidden_states, expected_hidden_states, rtol=1e-5)
    best = np.where(available, values, -np.inf).argmax(-1)
    np.testing.assert_array_equal(policy.mode(), best)
    assert (best != np.asarray(values).argmax(-1)).any(), "the mask matters"
