"""Continuous actions on their way: drawn without bounds, carried out within them, scored again.

The environment shows what arrived, so that what is stored can be told from what was carried out.
"""

from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from gpae.environments import Observation, Step
from gpae.environments.environment import taken_actions
from gpae.methods import Gpae
from gpae.networks import apply_actor

pytestmark = pytest.mark.slow

ENVIRONMENTS, STEPS, AGENTS, NUMBERS = 8, 12, 3, 2
TOLERANCE = 1e-5


@pytest.fixture(
    scope="module",
    params=[("gru", False), ("feedforward", True)],
    ids=lambda param: f"{param[0]}, {'squashed' if param[1] else 'clipped'}",
)
def played(request, learner, experience, dials):
    core, squash = request.param
    setup = learner(
        dials,
        Gpae(),
        core=core,
        environments=ENVIRONMENTS,
        steps=STEPS,
        network={"squash_actions": squash},
    )
    return experience(setup, count=2, drift=0.3, seed=1)


@pytest.fixture(scope="module")
def window(played):
    """The last rollout alone, collected with the parameters it is now looked at with."""
    return played.window(count=1)


@pytest.fixture(scope="module")
def batch(played, window):
    return played.batch(window)


def carried_out(actions, dials, squash):
    """What of the actions is within the bounds, in 64 bits."""
    actions = np.asarray(actions, np.float64)
    bounded = np.clip(actions, dials.low, dials.high)
    if squash:
        bounded = dials.low + (dials.high - dials.low) / (1 + np.exp(-2 * actions))
    return np.where(dials.numbers, bounded, 0.0)


def test_log_ratios_are_zero_right_after_collection_and_the_drift_before(played, batch):
    assert np.asarray(batch.steps.terminated | batch.steps.truncated).sum() >= 12
    assert not np.asarray(batch.steps.first[0]).all(), "no episode runs on from before"
    assert np.abs(batch.log_ratios).max() <= TOLERANCE
    assert np.abs(batch.steps.log_probs).max() > 3.0
    older = np.asarray(played.batch(played.window()).log_ratios)[:STEPS]
    assert np.abs(older).mean() > 0.05


def test_actions_are_stored_without_bounds_and_log_probs_are_of_those(batch, dials):
    actions = np.asarray(batch.steps.actions, np.float64)
    has = np.array(dials.numbers)
    assert actions.shape == (STEPS, ENVIRONMENTS, AGENTS, NUMBERS)
    assert (actions[..., ~has] == 0).all()
    assert (actions[..., has] < dials.low).mean() > 0.05
    assert (actions[..., has] > dials.high).mean() > 0.05
    policy = batch.policy
    mean, std = np.asarray(policy.mean), np.exp(np.asarray(policy.log_std))
    each = np.where(has, stats.norm.logpdf(actions, mean, std), 0.0)
    np.testing.assert_allclose(batch.steps.log_probs, each.sum(-1), rtol=1e-4, atol=1e-4)
    noise = ((actions - mean) / std)[..., has]
    assert len(np.unique(noise.round(5))) > 0.99 * noise.size, "numbers share their noise"
    assert abs(noise.mean()) < 4 / noise.size**0.5
    assert abs(noise.std() - 1) < 4 / (2 * noise.size) ** 0.5


def test_the_environment_is_given_what_lies_within_the_bounds(batch, dials):
    steps, squash = batch.steps, batch.policy.squash
    arrived = np.asarray(steps.observation.state)[..., AGENTS:-1].reshape(steps.actions.shape)
    expected = carried_out(steps.actions, dials, squash)
    follows = ~np.asarray(steps.first)[1:]
    assert follows.sum() > 50
    np.testing.assert_allclose(arrived[1:][follows], expected[:-1][follows], atol=1e-5)
    assert np.abs(expected - np.asarray(steps.actions)).mean() > 0.1


def test_the_critic_sees_what_was_carried_out(played, window, batch, dials):
    """A number moved further beyond its bound changes no value, where it is clipped to it."""
    rollout = window.rollouts
    actions = rollout.steps.actions
    beyond = jnp.where(actions > dials.high, actions + 5.0, actions)
    within = jnp.where(jnp.abs(actions) < 0.3, actions + 0.1, actions)

    def values(actions):
        steps = rollout.steps.replace(actions=actions)
        batch = played.batch(window.replace(rollouts=rollout.replace(steps=steps)))
        return batch.values["critic"]

    assert (beyond != actions).mean() > 0.05
    before = batch.values["critic"]
    assert (values(beyond) == before).all() != batch.policy.squash
    assert np.abs(values(within) - before).mean() > 1e-3


def test_numbers_sampled_at_a_successor_reach_the_critic_as_they_would_be_carried_out(
    played, window, probe, dials, critic_inputs
):
    """With next to no deviation, what is sampled at the window's end is the mean there."""
    params = jax.tree.map(lambda leaf: leaf, played.params)
    params["actor"]["params"]["log_std"] = np.full(NUMBERS, -20.0, np.float32)
    narrow = replace(played, params=params)
    estimation = narrow.estimation(window, probe)
    batch = estimation.batch
    plan, first = played.learner.estimation, batch.steps.first[-1:]
    critic, squash = plan.networks["critic"], batch.policy.squash

    def last(hidden_states):
        return jax.tree.map(lambda leaf: leaf[-1], hidden_states)

    @jax.jit
    def policy_there(hidden_states, observation, after):
        given = (observation.observations, observation.available_actions, first)
        there = (after.observations[None], after.available_actions[None], jnp.zeros_like(first))
        hidden_state, policy = apply_actor(
            plan.actor, params["actor"], hidden_states["actor"], *given
        )
        ends = jax.tree.map(lambda leaf: leaf[-1], hidden_state)
        return policy, apply_actor(plan.actor, params["actor"], ends, *there)[1]

    @jax.jit
    def value_there(hidden_states, before, after):
        run = partial(critic.apply, params["critic"])
        hidden_state, _ = run(hidden_states["critic"], before, first)
        ends = jax.tree.map(lambda leaf: leaf[-1], hidden_state)
        return run(ends, after, jnp.zeros_like(first))[1][0]

    def looked_at(observation, numbers, policy):
        return critic_inputs(
            critic.spec,
            observation,
            jnp.asarray(carried_out(numbers, dials, squash), jnp.float32),
            jnp.asarray(carried_out(policy.mean, dials, squash), jnp.float32),
        )

    hidden_states, observation = (
        jax.tree.map(lambda leaf: leaf[-1], estimation.hidden_states),
        batch.steps.observation,
    )
    observation, after = (
        jax.tree.map(lambda leaf: leaf[-1:], observation),
        played.collector.observation,
    )
    policy, there = policy_there(hidden_states, observation, after)
    expected = value_there(
        hidden_states,
        looked_at(observation, batch.steps.actions[-1:], policy),
        looked_at(jax.tree.map(lambda leaf: leaf[None], after), there.mean, there),
    )
    goes_on = ~np.asarray(batch.steps.terminated | batch.steps.truncated)[-1]
    assert goes_on.sum() >= 4
    found = batch.advantages[-1]
    np.testing.assert_allclose(found[goes_on], expected[goes_on], rtol=1e-4, atol=1e-5)
    outside = np.abs(carried_out(there.mean, dials, squash) - there.mean)[
        ..., np.array(dials.numbers)
    ]
    assert outside.max() > 0.1


@pytest.mark.parametrize("numbers", [(), (NUMBERS,)])
def test_a_forced_agents_action_is_the_one_carried_out_and_no_others(numbers):
    e, n, *_ = np.indices((4, AGENTS, *numbers))
    chosen, instead = jnp.asarray(10 * e + n), jnp.asarray(-(10 * e + n) - 1)
    forced = jnp.asarray((np.arange(4)[:, None] + np.arange(AGENTS)) % 3 == 0)
    nothing = jnp.zeros(4)
    step = Step(
        observation=Observation(nothing, nothing, nothing, nothing),
        actions=instead,
        reward=nothing,
        terminated=nothing,
        truncated=nothing,
        outcomes={},
        forced=forced,
    )
    taken = np.asarray(taken_actions(chosen, step))
    for environment, agent in np.ndindex(4, AGENTS):
        source = instead if forced[environment, agent] else chosen
        np.testing.assert_array_equal(taken[environment, agent], source[environment, agent])
