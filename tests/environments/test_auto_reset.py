"""Auto-reset keeps the true successor, and distinguishes termination from truncation."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import auto_reset_step

STEPS, ENVIRONMENTS, TIME_LIMIT = 24, 32, 4
TIME, LENGTH = 0, 1


def play(environment, reset_keys, step_keys):
    """Run environments side by side; histories are [T, E, ...]."""

    def advance(carry, keys):
        states, all_observations = carry
        actions = jnp.zeros((keys.shape[0], 3), jnp.int32)
        states, all_observations, steps = jax.vmap(
            lambda k, s, a: auto_reset_step(environment, k, s, a)
        )(keys, states, actions)
        return (states, all_observations), (carry[1], all_observations, steps)

    first = jax.vmap(environment.reset)(reset_keys)
    return jax.lax.scan(advance, first, step_keys)[1]


@pytest.fixture
def reset_keys():
    return jax.random.split(jax.random.key(0), ENVIRONMENTS)


@pytest.fixture
def step_keys():
    return jax.random.split(jax.random.key(1), (STEPS, ENVIRONMENTS))


@pytest.fixture
def history(countdown, reset_keys, step_keys):
    return play(countdown, reset_keys, step_keys)


def test_the_true_successor_is_kept_even_where_a_reset_followed(history):
    before, _, steps = history
    np.testing.assert_array_equal(steps.observation.state[..., TIME], before.state[..., TIME] + 1)
    np.testing.assert_array_equal(steps.observation.state[..., LENGTH], before.state[..., LENGTH])
    np.testing.assert_array_equal(
        steps.observation.observations[..., 0], before.observations[..., 0] + 1
    )


def test_a_boundary_begins_a_new_episode_and_nothing_else_does(history):
    _, after, steps = history
    boundary = np.asarray(steps.boundary)
    assert boundary.any(axis=0).all()
    assert (after.state[..., TIME][boundary] == 0).all()
    assert after.alive[boundary].all()
    np.testing.assert_array_equal(after.state[~boundary], steps.observation.state[~boundary])
    np.testing.assert_array_equal(
        after.observations[~boundary], steps.observation.observations[~boundary]
    )


def test_termination_and_truncation_are_told_apart(history):
    before, _, steps = history
    time, length = before.state[..., TIME] + 1, before.state[..., LENGTH]
    np.testing.assert_array_equal(steps.terminated, time == length)
    np.testing.assert_array_equal(steps.truncated, (time == TIME_LIMIT) & (length > TIME_LIMIT))
    assert steps.terminated.any()
    assert steps.truncated.any()


def test_every_new_episode_is_drawn_afresh(history):
    _, after, steps = history
    lengths = np.asarray(after.state[..., LENGTH])[np.asarray(steps.boundary)]
    assert set(lengths) == {2, 3, 4, 5}


def test_an_environment_plays_the_same_alone_as_among_others(
    countdown, history, reset_keys, step_keys
):
    alone = play(countdown, reset_keys[5:6], step_keys[:, 5:6])
    among_others = jax.tree.map(lambda x: x[:, 5:6], history)
    jax.tree.map(np.testing.assert_array_equal, alone, among_others)
