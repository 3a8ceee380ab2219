"""Recorded episodes are those that an evaluation plays, and every array is the environment's."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.episodes import choose_episode, record_episodes, recording
from gpae.errors import UserError
from gpae.networks import apply_actor, initial_hidden_state
from gpae.training.keys import Purpose, derive_each

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compile_quickly")]

COUNT, SEED, COUNTER, LIMIT, AGENTS = 6, 3, 5, 9, 2


def replayed(environment, step, episode):
    """The states, observations and steps of an episode whose actions are carried out again."""

    def key(purpose, counter):
        return derive_each(SEED, purpose, counter, jnp.array([episode.number]))[0]

    state, observation = environment.reset(key(Purpose.EVALUATION_RESET, COUNTER))
    states, observations, steps = [state], [observation], []
    for time, actions in enumerate(episode.actions):
        state, made = step(key(Purpose.EVALUATION_STEP, COUNTER * LIMIT + time), state, actions)
        states.append(state)
        observations.append(made.observation)
        steps.append(made)
    return [
        jax.tree.map(lambda *each: np.stack(each), *made) for made in (states, observations)
    ], steps


def assert_trees_equal(found, expected):
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_every_array_is_that_of_a_replay_step_by_step(forcing_rails, episodes):
    step = jax.jit(forcing_rails.step)
    for episode in episodes:
        (states, observations), steps = replayed(forcing_rails, step, episode)
        assert_trees_equal(episode.states, states)
        assert_trees_equal(episode.observation, observations)
        for name, recorded in (
            ("reward", episode.rewards),
            ("team_reward", episode.team_rewards),
            ("terminated", episode.terminated),
            ("truncated", episode.truncated),
            ("forced", episode.forced),
            ("actions", episode.actions),
        ):
            np.testing.assert_array_equal(recorded, [getattr(step, name) for step in steps], name)
        assert episode.metrics == {"far": pytest.approx(float(steps[-1].outcomes["far"]))}
    assert sum(episode.forced.sum() for episode in episodes) > 2


def test_an_episode_ends_where_its_environment_says(episodes):
    for episode in episodes:
        ends = episode.terminated | episode.truncated
        assert ends[-1]
        assert not ends[:-1].any()
        assert len(episode) == len(ends) == len(episode.observation.alive) - 1
    assert len({len(episode) for episode in episodes}) > 2


def test_log_probabilities_and_hidden_states_are_the_networks(episodes, params, make_player, rails):
    player = make_player(rails)
    for episode in episodes[:2]:
        seen = jax.tree.map(lambda leaf: leaf[:-1], episode.observation)
        hidden_states, policy = apply_actor(
            player.actor,
            params,
            initial_hidden_state(player.network, AGENTS),
            seen.observations,
            seen.available_actions,
            np.arange(len(episode)) == 0,
        )
        np.testing.assert_allclose(episode.log_probs, policy.log_prob(episode.actions), atol=1e-5)
        after = jax.tree.map(lambda leaf: leaf[1:], episode.hidden_states)
        jax.tree.map(
            lambda *each: np.testing.assert_allclose(*each, atol=1e-5), after, hidden_states
        )


@pytest.mark.parametrize("greedy", [True, False], ids=["greedy", "sampled"])
def test_returns_lengths_and_metrics_are_those_of_an_evaluation(
    greedy, rails, params, make_player, evaluated, monkeypatch
):
    monkeypatch.setattr(recording, "STEPS_AT_ONCE", 4)
    player = make_player(rails, greedy=greedy)
    found = record_episodes(player, params, count=COUNT, seed=SEED, counter=COUNTER)
    expected = evaluated(rails, params, greedy=greedy)
    returns = [episode.episode_return for episode in found]
    np.testing.assert_allclose(returns, expected["episode_return"], rtol=1e-6)
    np.testing.assert_array_equal([len(each) for each in found], expected["episode_length"])
    np.testing.assert_allclose([each.metrics["far"] for each in found], expected["far"])


def test_an_episode_without_an_end_is_cut_off_and_agents_may_have_rewards_of_their_own(
    endless_rails, params, make_player, monkeypatch
):
    monkeypatch.setattr(recording, "STEPS_AT_ONCE", 4)
    player = make_player(endless_rails, max_steps=6)
    found = record_episodes(player, params, count=COUNT, seed=SEED, counter=COUNTER)
    cut_off = [each for each in found if not (each.terminated | each.truncated).any()]
    assert {len(each) for each in cut_off} == {6}
    assert max(len(each) for each in found) == 6
    for episode in found:
        assert episode.rewards.shape == (len(episode), AGENTS)
        np.testing.assert_allclose(episode.team_rewards, episode.rewards.mean(-1), rtol=1e-6)


def test_acting_agents_live_and_have_a_choice(episodes):
    for episode in episodes:
        np.testing.assert_array_equal(episode.acting, episode.observation.alive[:-1])
    assert any(not episode.acting.all() for episode in episodes)


def test_the_best_the_worst_or_a_numbered_episode_is_chosen(episodes):
    returns = [episode.episode_return for episode in episodes]
    assert len(set(returns)) == COUNT
    assert choose_episode(episodes, "best").number == np.argmax(returns)
    assert choose_episode(episodes, "worst").number == np.argmin(returns)
    assert choose_episode(episodes, "2") is choose_episode(episodes, 2) is episodes[2]


@pytest.mark.parametrize("which", ["median", COUNT, "-1", -1, "1.5"])
def test_no_other_episode_can_be_chosen(episodes, which):
    with pytest.raises(UserError, match=r"best, worst or a number from 0 to 5, not"):
        choose_episode(episodes, which)
