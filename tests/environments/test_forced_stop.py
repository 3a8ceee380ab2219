"""The anomaly: its rate, the agents it draws, and the actions it changes and leaves unchanged."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, Environment, EnvironmentSpec, ForcedStop
from gpae.environments.smax import STOP_ACTION, Smax
from gpae.errors import UserError

DRAWS = 20_000
ACTIONS = jnp.array([1, 2, 3])


def many_steps(environment, steps_before=0):
    """One step from the same state under many keys."""
    state, _ = environment.reset(jax.random.key(0))
    for i in range(steps_before):
        state, _ = environment.step(jax.random.key(i), state, ACTIONS)
    keys = jax.random.split(jax.random.key(1), DRAWS)
    return jax.jit(jax.vmap(lambda key: environment.step(key, state, ACTIONS)[1]))(keys)


def test_it_is_an_environment_of_the_same_shape(countdown):
    wrapped = ForcedStop(countdown)
    assert isinstance(wrapped, Environment)
    assert wrapped.spec == countdown.spec


def test_one_agent_is_forced_at_the_given_rate(countdown):
    forced = many_steps(ForcedStop(countdown, probability=0.05)).forced
    per_step = forced.sum(axis=1)
    four_deviations = 4 * np.sqrt(0.05 * 0.95 / DRAWS)
    assert per_step.max() == 1
    assert per_step.mean() == pytest.approx(0.05, abs=four_deviations)


@pytest.mark.slow
def test_the_living_are_equally_likely_and_the_dead_are_never_forced(countdown):
    everyone = many_steps(ForcedStop(countdown, probability=1.0)).forced.mean(axis=0)
    survivors = many_steps(ForcedStop(countdown, probability=1.0), steps_before=2).forced
    four_deviations = 4 * np.sqrt(0.25 / DRAWS)
    np.testing.assert_allclose(everyone, [1 / 3, 1 / 3, 1 / 3], atol=four_deviations)
    np.testing.assert_allclose(survivors.mean(axis=0), [0.5, 0.0, 0.5], atol=four_deviations)
    assert (survivors.sum(axis=1) == 1).all()


def test_nobody_is_forced_when_nobody_lives(countdown):
    wrapped = ForcedStop(countdown, probability=1.0)
    state, _ = wrapped.reset(jax.random.key(0))
    _, step = wrapped.step(jax.random.key(1), state.replace(alive=jnp.zeros(3, bool)), ACTIONS)
    assert not step.forced.any()
    np.testing.assert_array_equal(step.actions, ACTIONS)


def test_the_action_carried_out_is_the_forced_one(countdown):
    steps = many_steps(ForcedStop(countdown, probability=0.5, action=5))
    np.testing.assert_array_equal(steps.actions, np.where(steps.forced, 5, ACTIONS))
    digits = (steps.actions * jnp.array([1, 10, 100])).sum(axis=1)
    np.testing.assert_array_equal(np.floor(steps.reward), digits)
    assert 0.4 < steps.forced.any(axis=1).mean() < 0.6


def test_whom_it_marks_does_not_depend_on_what_was_chosen(countdown):
    wrapped = ForcedStop(countdown, probability=1.0, action=2)
    assert many_steps(wrapped).forced[:, 1].mean() > 0.3


def test_without_probability_every_step_is_the_unwrapped_one(countdown):
    plain, wrapped = many_steps(countdown), many_steps(ForcedStop(countdown, probability=0.0))
    jax.tree.map(np.testing.assert_array_equal, plain, wrapped)


def test_what_is_not_forced_is_untouched(countdown):
    plain, wrapped = many_steps(countdown), many_steps(ForcedStop(countdown, probability=0.5))
    free = ~np.asarray(wrapped.forced.any(axis=1))
    np.testing.assert_array_equal(plain.reward[free], wrapped.reward[free])


@pytest.mark.slow
def test_in_smax_the_forced_agent_stands_still_and_the_others_move(quickly_compiled):
    wrapped = ForcedStop(Smax("3m"), probability=1.0, action=STOP_ACTION)

    def first_step(reset_key, step_key):
        state, _ = wrapped.reset(reset_key)
        successor, step = wrapped.step(step_key, state, ACTIONS)
        before, after = state.inner.state.unit_positions, successor.inner.state.unit_positions
        return step.forced, step.actions, after - before

    keys = jax.random.split(jax.random.key(2), (2, 16))
    forced, actions, moved = quickly_compiled(jax.vmap(first_step))(keys[0], keys[1])
    distance = np.linalg.norm(moved[:, :3], axis=-1)
    marine_step = 3.15 / 16 * 8
    np.testing.assert_array_equal(forced.sum(axis=1), 1)
    np.testing.assert_array_equal(actions, np.where(forced, STOP_ACTION, ACTIONS))
    assert np.median(distance[~np.asarray(forced)]) == pytest.approx(marine_step, rel=1e-3)
    assert np.median(distance[np.asarray(forced)]) < 0.2 * marine_step


@pytest.mark.parametrize("probability", [-0.1, 1.1, float("nan")])
def test_a_probability_out_of_range_is_refused(countdown, probability):
    with pytest.raises(UserError, match="probability must be between 0 and 1"):
        ForcedStop(countdown, probability)


def test_an_action_the_environment_lacks_is_refused(countdown):
    with pytest.raises(UserError, match="action must be from 0 to 5, not 6"):
        ForcedStop(countdown, action=6)


def test_continuous_actions_are_refused():
    dials = SimpleNamespace(spec=EnvironmentSpec("dials", 2, 1, 1, ContinuousActions(1), None))
    with pytest.raises(UserError, match="dials has continuous actions: only discrete ones"):
        ForcedStop(dials)
