"""Successor values against a replay of the environment, and nothing crosses an episode's end."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Coma, Estimate
from gpae.networks import apply_actor
from gpae.training.collection import CollectionPlan
from gpae.training.estimation.successors import _of_window, places_of_truncations
from gpae.training.state import Truncations
from gpae.training.window import merge_time

pytestmark = pytest.mark.slow

STEPS, ENVIRONMENTS, AGENTS, ACTIONS = 14, 48, 3, 3
JOINT_ACTIONS = np.array(list(product(range(ACTIONS), repeat=AGENTS)))


def replayed(environment, observation, actions):
    """What the environment shows after a step, its state rebuilt from what was seen before it."""
    state = {
        "time": jnp.round(10 * observation.state[-1]).astype(jnp.int32),
        "length": jnp.int32(1000),
        "position": observation.state[:-1],
    }
    return environment.step(jax.random.key(0), state, actions)[1].observation


@pytest.fixture(scope="module", params=[0, 50], ids=["limit stated", "limit stated too long"])
def environment(request, clockwork):
    return clockwork(stated_limit=request.param)


@pytest.fixture(scope="module")
def played(learner, experience, environment):
    return experience(learner(environment, environments=ENVIRONMENTS, steps=STEPS), count=2)


@pytest.fixture(scope="module")
def window(played):
    return played.window(count=1)


@pytest.fixture(scope="module")
def steps(window):
    return jax.tree.map(np.asarray, merge_time(window.rollouts.steps))


@pytest.fixture(scope="module")
def successors(environment, steps):
    """The true successor of every step."""
    replay = jax.vmap(
        jax.vmap(lambda observation, actions: replayed(environment, observation, actions))
    )
    return jax.jit(replay)(jax.tree.map(jnp.asarray, steps.observation), jnp.asarray(steps.actions))


@pytest.fixture(scope="module")
def possible_values(played, window, steps, successors, critic_inputs):
    """EQ at the true successor of every step for every joint action there, and the policy there."""
    plan, params = played.learner.estimation, played.params
    critic = plan.networks["critic"]
    spec = critic.spec
    start = jax.tree.map(lambda leaf: leaf[0], window.rollouts.hidden_states)

    def evaluate(observation, successors):
        actor_hidden_states, policy = apply_actor(
            plan.actor,
            params["actor"],
            start["actor"],
            observation.observations,
            observation.available_actions,
            steps.first,
        )
        taken = jax.nn.one_hot(steps.actions, ACTIONS)
        critic_hidden_states, _ = critic.apply(
            params["critic"],
            start["critic"],
            critic_inputs(spec, observation, taken, policy.probabilities),
            steps.first,
        )
        continues = jnp.zeros((1, STEPS, ENVIRONMENTS), bool)
        _, there = apply_actor(
            plan.actor,
            params["actor"],
            actor_hidden_states,
            successors.observations[None],
            successors.available_actions[None],
            continues,
        )

        def value(actions):
            probabilities = there[0].probabilities
            features = jnp.broadcast_to(jax.nn.one_hot(actions, ACTIONS), probabilities.shape)
            _, values = critic.apply(
                params["critic"],
                critic_hidden_states,
                critic_inputs(spec, successors, features, probabilities)[None],
                continues,
            )
            return values[0]

        return jax.lax.map(value, jnp.asarray(JOINT_ACTIONS)), there[0].probabilities

    values, probabilities = jax.jit(evaluate)(steps.observation, successors)
    return np.asarray(values), np.asarray(probabilities)


@pytest.fixture(scope="module")
def evidence(played, window, probe):
    """The successors' values, the discounts as targets, and where actions had to be sampled."""
    estimation = played.estimation(window, probe)
    advantages, targets = estimation.batch.advantages, estimation.batch.targets["critic"]
    return jax.tree.map(np.asarray, Estimate(advantages, targets, estimation.coefficients))


def test_the_replay_is_the_environment(steps, successors):
    inside = ~(steps.terminated | steps.truncated)[:-1]
    seen, replay = steps.observation.state[1:], np.asarray(successors.state)[:-1]
    np.testing.assert_allclose(seen[inside], replay[inside], atol=1e-6)
    assert inside.sum() > 400


def test_inside_an_episode_the_successors_value_is_at_the_next_joint_action(
    steps, evidence, possible_values
):
    values, _ = possible_values
    inside = ~(steps.terminated | steps.truncated)[:-1]
    index = steps.actions[1:] @ ACTIONS ** np.arange(AGENTS)[::-1]
    t, e = np.nonzero(inside)
    np.testing.assert_allclose(
        evidence.advantages[t, e], values[index[t, e], t, e], rtol=1e-4, atol=1e-4
    )


def sampled_joint_actions(steps, evidence, possible_values):
    """The joint actions that explain the values at truncations and at the window's end."""
    values, probabilities = possible_values
    resampled = evidence.coefficients[..., 0] & ~steps.terminated
    distance = np.abs(values - evidence.advantages).max(-1)[:, resampled]
    assert (distance.min(0) < 1e-4).all()
    return JOINT_ACTIONS[distance.argmin(0)], probabilities[resampled]


def test_a_cut_off_steps_value_is_at_the_true_successor(steps, evidence, possible_values):
    assert steps.truncated[:-1].sum() > 30
    np.testing.assert_array_equal(evidence.coefficients[:-1, :, 0], steps.truncated[:-1])
    assert evidence.coefficients[-1].all()
    _, probabilities = sampled_joint_actions(steps, evidence, possible_values)
    assert len(probabilities) > 60


def test_actions_at_true_successors_are_sampled_from_the_current_policy(
    steps, evidence, possible_values
):
    drawn, probabilities = sampled_joint_actions(steps, evidence, possible_values)
    taken = np.eye(ACTIONS)[drawn]
    assert (probabilities[taken == 1] > 0).all()
    scores = (taken - probabilities).sum(0)
    spread = np.sqrt((probabilities * (1 - probabilities)).sum(0))
    assert (np.abs(scores) <= 3.5 * spread).all()
    assert (spread > 1.0).sum() >= 6


def test_a_step_that_terminates_has_no_future(steps, evidence):
    assert steps.terminated.sum() > 30
    np.testing.assert_array_equal(evidence.targets[..., 0][steps.terminated], 0.0)
    np.testing.assert_allclose(evidence.targets[..., 0][~steps.terminated], 0.9)


def test_nothing_of_the_next_episode_reaches_back(played, window, steps):
    later = np.cumsum(steps.terminated | steps.truncated, axis=0) > 0
    later = np.concatenate([np.zeros_like(later[:1]), later[:-1]])
    rollout = window.rollouts

    def shifted(leaf):
        mask = later.reshape(1, *later.shape, *(1,) * (leaf.ndim - 3))
        return jnp.where(mask, leaf + 3.0, leaf)

    observation = rollout.steps.observation
    changed = rollout.steps.replace(
        rewards=shifted(rollout.steps.rewards),
        observation=observation.replace(
            state=shifted(observation.state), observations=shifted(observation.observations)
        ),
        log_probs=shifted(rollout.steps.log_probs),
    )
    before = played.batch(window)
    after = played.batch(window.replace(rollouts=rollout.replace(steps=changed)))
    for found in (lambda batch: batch.advantages, lambda batch: batch.targets["critic"]):
        old, new = (np.asarray(found(batch)) for batch in (before, after))
        np.testing.assert_allclose(new[~later], old[~later], rtol=1e-5, atol=1e-5)
        assert np.abs(new[later] - old[later]).mean() > 0.5
    assert later.any(axis=0).sum() > 40


def test_rollouts_of_an_environment_are_contiguous(played, environment):
    older, newer = (rollout.steps for rollout in played.rollouts)
    last = jax.tree.map(lambda leaf: leaf[-1], older)
    begins = np.asarray(last.terminated | last.truncated)
    np.testing.assert_array_equal(newer.first[0], begins)
    replay = jax.vmap(lambda observation, actions: replayed(environment, observation, actions))
    observation = replay(last.observation, last.actions)
    continues = ~begins
    assert continues.sum() > 20
    np.testing.assert_allclose(
        newer.observation.state[0][continues], observation.state[continues], atol=1e-6
    )
    np.testing.assert_allclose(newer.observation.state[0][begins, -1], 0.0)
    np.testing.assert_array_equal(newer.first[1:], (newer.terminated | newer.truncated)[:-1])


def test_cut_slots_hold_the_successor_of_every_truncated_step(played, successors):
    rollout = played.rollouts[-1]
    index = np.asarray(rollout.truncations.index)
    for environment in range(ENVIRONMENTS):
        truncated = np.flatnonzero(rollout.steps.truncated[:, environment])
        used = index[:, environment][index[:, environment] < STEPS]
        np.testing.assert_array_equal(used, truncated)
        np.testing.assert_allclose(
            rollout.truncations.observation.state[: len(used), environment],
            successors.state[truncated, environment],
            atol=1e-6,
        )
    np.testing.assert_array_equal(rollout.truncations.observation.state[index == STEPS], 0.0)


def test_what_acted_is_kept_as_it_was_after_each_truncated_step_and_the_last(learner, experience):
    played = experience(learner(environments=8, steps=16), count=2, drift=0.3)
    acted, index = played.acted, np.asarray(played.rollouts[-1].truncations.index)
    hidden_states, kept = np.asarray(acted.hidden_states), np.asarray(acted.at_successors)
    truncations = np.argwhere(index < 16)
    assert len(truncations) >= 3
    for slot, environment in truncations:
        after = hidden_states[index[slot, environment], environment]
        assert np.abs(after).min() > 0
        np.testing.assert_array_equal(kept[slot, environment], after)
    np.testing.assert_array_equal(kept[-1], hidden_states[-1])


def test_a_windows_successors_are_each_rollouts_truncations_and_the_last_ones_end():
    rollouts, slots, environments = 3, 2, 4
    m, k, e = np.indices((rollouts, slots + 1, environments))
    merged = np.asarray(_of_window(jnp.asarray(100 * m + 10 * k + e)[..., None, None]))[..., 0, 0]
    assert merged.shape == (rollouts * slots + 1, environments)
    for m, k, e in np.ndindex(rollouts, slots, environments):
        assert merged[m * slots + k, e] == 100 * m + 10 * k + e
    np.testing.assert_array_equal(merged[-1], 220 + np.arange(environments))
    m, k, e = np.indices((rollouts, slots, environments))
    index = np.where(e == 1, STEPS, 5 * k + e)
    places = places_of_truncations(Truncations(observation=None, index=jnp.asarray(index)), STEPS)
    for m, k, e in np.ndindex(rollouts, slots, environments):
        unused = rollouts * STEPS
        assert places[m * slots + k, e] == (unused if e == 1 else m * STEPS + 5 * k + e)


@pytest.mark.parametrize(
    ("steps", "limit", "slots"), [(9, 4, 3), (8, 4, 2), (3, 4, 1), (9, None, 9)]
)
def test_there_are_slots_for_the_most_truncations_possible(clockwork, steps, limit, slots):
    plan = CollectionPlan(clockwork(limit=limit), None, steps)
    assert plan.truncation_slots == slots
    if limit is not None:
        counts = [
            sum((phase + step) % limit == 0 for step in range(steps)) for phase in range(limit)
        ]
        assert slots == max(counts)


@pytest.mark.parametrize("stated", [2, 50, None])
def test_no_truncation_is_lost_whatever_the_limit_says(learner, experience, clockwork, stated):
    environment = clockwork(limit=4, endless=True, stated_limit=stated)
    played = experience(learner(environment, core="feedforward", steps=9), count=1)
    index = np.asarray(played.rollouts[0].truncations.index)
    np.testing.assert_array_equal(index, np.tile([3, 7] + [9] * 7, (4, 1)).T)


def test_every_slot_is_used_where_episodes_are_always_cut_off(learner, experience, clockwork):
    setup = learner(clockwork(limit=4, endless=True), core="feedforward", steps=9)
    played = experience(setup, count=4)
    for number, rollout in enumerate(played.rollouts):
        expected = [t for t in range(9) if (9 * number + t + 1) % 4 == 0]
        padded = expected + [9] * (3 - len(expected))
        np.testing.assert_array_equal(rollout.truncations.index, np.tile(padded, (4, 1)).T)
    assert (np.asarray(played.rollouts[-1].truncations.index) < 9).all()


def test_a_joint_actions_value_at_a_successor_is_of_the_joint_action_there(
    learner, experience, clockwork, joint_probe, critic_inputs
):
    """Wherever an action has to be sampled here, agent i has action i alone to choose from."""
    environment = clockwork(limit=8, endless=True, gate=4)
    setup = learner(environment, Coma(), core="feedforward", environments=8, steps=12)
    played = experience(setup)
    estimation = played.estimation(played.window(), joint_probe)
    steps, following = estimation.batch.steps, estimation.batch.advantages
    inside = ~np.asarray(steps.truncated)[:-1]
    values = estimation.batch.targets["critic"]
    np.testing.assert_array_equal(following[:-1][inside], values[1:][inside])
    critic, params = setup.networks["critic"], played.params["critic"]

    @jax.jit
    def gated_values(observation):
        """Q^i of the joint action 0, 1, 2 at successors [J, ...]."""
        taken = jnp.broadcast_to(jnp.eye(AGENTS), (*observation.state.shape[:1], AGENTS, ACTIONS))
        inputs = critic_inputs(critic.spec, observation, taken, taken)
        begins = jnp.ones((1, taken.shape[0]), bool)
        _, outputs = critic.apply(params, (), inputs[None], begins)
        return jnp.diagonal(outputs[0], axis1=-2, axis2=-1)

    cut = np.asarray(steps.truncated)[7]
    assert cut.all()
    replay = jax.jit(
        jax.vmap(lambda observation, actions: replayed(environment, observation, actions))
    )
    successor = replay(jax.tree.map(lambda leaf: leaf[7], steps.observation), steps.actions[7])
    for t, observation in ((7, successor), (11, played.collector.observation)):
        expected = gated_values(observation)
        np.testing.assert_allclose(following[t], expected, rtol=1e-4, atol=1e-5)
        assert estimation.coefficients[t].all()
        assert np.ptp(expected) > 0.1
