"""Reward models: an ensemble of feed-forward critics that differ in their parameters alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions
from gpae.methods.dae import RewardEnsemble, apply_reward_models
from gpae.networks import (
    Critic,
    CriticInputs,
    CriticSpec,
    NetworkSettings,
    apply_critic,
    initial_hidden_state,
)

SIZE, STEPS, ENVIRONMENTS, AGENTS, ACTIONS = 3, 4, 2, 3, 5
SETTINGS = NetworkSettings(core="gru", hidden_size=8)


@pytest.fixture(scope="module", params=[DiscreteActions(ACTIONS), ContinuousActions(ACTIONS)])
def models(request):
    """An ensemble and its first parameters, with something to look at."""
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    inputs = CriticInputs(
        state=jnp.asarray(random.normal(size=(*shape[:2], 6)), jnp.float32),
        observations=jnp.zeros((*shape, 1)),
        action_features=jnp.asarray(random.normal(size=(*shape, ACTIONS)), jnp.float32),
        own_features=jnp.asarray(random.normal(size=(*shape, ACTIONS)), jnp.float32),
    )
    ensemble = RewardEnsemble(SETTINGS, CriticSpec.of_joint_action(request.param), SIZE)
    return ensemble, jax.jit(ensemble.init)(jax.random.key(0), inputs), inputs


@pytest.fixture(scope="module")
def rewards(models):
    ensemble, params, inputs = models
    return jax.jit(lambda inputs: apply_reward_models(ensemble, params, inputs))(inputs)


def test_each_member_is_a_feed_forward_critic_of_its_own_parameters(models, rewards):
    ensemble, params, inputs = models
    settings = NetworkSettings(core="feedforward", hidden_size=8)
    critic = Critic(settings, ensemble.spec)
    hidden_state = initial_hidden_state(settings, ENVIRONMENTS, AGENTS)
    (stacked,) = params["params"].values()
    values = (ACTIONS,) * ensemble.spec.action_values
    assert rewards.shape == (SIZE, STEPS, ENVIRONMENTS, AGENTS, *values)
    run = jax.jit(
        lambda own: apply_critic(critic, own, hidden_state, inputs, jnp.zeros((4, 2), bool))[1]
    )
    for member in range(SIZE):
        own = {"params": jax.tree.map(lambda leaf, member=member: leaf[member], stacked)}
        np.testing.assert_allclose(run(own), rewards[member], rtol=1e-5, atol=1e-6)


def test_members_differ_as_soon_as_they_are_made(models, rewards):
    _, params, _ = models
    for leaf in jax.tree.leaves(params):
        assert leaf.shape[0] == SIZE
        random = np.ptp(np.asarray(leaf).reshape(SIZE, -1), axis=1).max() > 0
        assert all(
            (np.abs(leaf[i] - leaf[j]).max() > 1e-3) == random for i, j in ((0, 1), (0, 2), (1, 2))
        )
    spread = np.ptp(np.asarray(rewards), axis=0)
    assert (spread > 1e-5).all()
    assert np.abs(rewards).max() < 0.1, "rewards begin near 0"


def test_a_reward_is_of_its_own_step_alone(models, rewards):
    ensemble, params, inputs = models
    changed = inputs.replace(state=inputs.state.at[0, 1].add(1.0))
    after = jax.jit(lambda inputs: apply_reward_models(ensemble, params, inputs))(changed)
    difference = np.abs(np.asarray(after - rewards)).reshape(SIZE, STEPS, ENVIRONMENTS, -1).max(-1)
    assert (difference[:, 0, 1] > 1e-5).all()
    assert (difference[:, 1:] == 0).all()
    assert (difference[:, :, 0] == 0).all()
