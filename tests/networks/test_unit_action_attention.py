"""Attention over units' actions: an action counts by who takes it, never the agent's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.networks.attention import UnitActionAttention

AGENTS = 4


@pytest.fixture(scope="module")
def attend():
    random = np.random.default_rng(0)
    observations = jnp.asarray(random.normal(size=(2, AGENTS, 5)), jnp.float32)
    own = jnp.full((2, AGENTS, 3), 1.0 / 3.0)
    layer = UnitActionAttention(6)
    params = layer.init(jax.random.key(0), observations, own, own)

    def apply(actions, observations=observations, own=own):
        return np.asarray(layer.apply(params, observations, jax.nn.one_hot(actions, 3), own))

    return apply, observations, own


def test_an_agents_own_action_has_no_part_in_its_output(attend):
    apply, _, _ = attend
    before = jnp.zeros((2, AGENTS), jnp.int32)
    changed = np.abs(apply(before.at[:, 1].set(2)) - apply(before)).max(-1)
    assert (changed[:, 1] == 0).all()
    assert (np.delete(changed, 1, axis=1) > 1e-4).all()


def test_the_own_slot_has(attend):
    apply, _, own = attend
    actions = jnp.zeros((2, AGENTS), jnp.int32)
    moved = np.abs(apply(actions, own=own.at[:, 2, 0].set(1.0)) - apply(actions)).max(-1)
    assert (moved[:, 2] > 1e-4).all()
    assert (np.delete(moved, 2, axis=1) == 0).all()


def test_agents_are_told_apart_by_their_observations_alone(attend):
    """Agents in another order are given the same, in that order."""
    apply, observations, _ = attend
    actions = jnp.array([[0, 1, 2, 1], [2, 2, 0, 1]])
    order = jnp.array([2, 0, 3, 1])
    np.testing.assert_allclose(
        apply(actions[:, order], observations[:, order]), apply(actions)[:, order], atol=1e-5
    )
    elsewhere = apply(actions[:, order])[:, order.argsort()]
    assert np.abs(elsewhere - apply(actions)).max() > 1e-3


def test_a_team_of_one_has_its_own_slot_alone():
    layer = UnitActionAttention(6)
    seen, action = jnp.ones((1, 5)), jnp.ones((1, 3))
    params = layer.init(jax.random.key(0), seen, action, action)
    given, other = (layer.apply(params, seen, taken, action) for taken in (action, -action))
    np.testing.assert_array_equal(given, other)
    assert np.isfinite(given).all()
