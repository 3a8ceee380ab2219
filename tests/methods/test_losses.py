"""The clipped losses against numbers worked out by hand, and PPO's as the special case."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gpae.methods.losses import clipped_policy_loss, policy_ratio, value_loss

CLIP = 0.2


@pytest.mark.parametrize(
    ("ratio", "initial", "advantage", "loss"),
    [
        (1.0, 1.0, 2.0, -2.0),
        (1.5, 1.0, 2.0, -2.4),  # above the range, clipped
        (0.5, 1.0, 2.0, -1.0),  # below it, where clipping would flatter
        (1.5, 1.0, -2.0, 3.0),
        (0.5, 1.0, -2.0, 1.6),
        (0.5, 0.5, 2.0, -1.0),  # the range moves with the ratio at the start: [0.4, 0.6]
        (1.0, 0.5, 2.0, -1.2),
        (0.3, 0.5, 2.0, -0.6),
        (0.3, 0.5, -2.0, 0.8),
        (1.0, 0.5, -2.0, 2.0),
        (3.0, 2.0, 1.0, -2.4),  # [1.6, 2.4]
        (1.0, 2.0, -1.0, 1.6),
    ],
)
def test_policy_loss_by_hand(ratio, initial, advantage, loss):
    result = clipped_policy_loss(jnp.log(ratio), jnp.log(initial), jnp.array(advantage), CLIP)
    np.testing.assert_allclose(result, loss, rtol=1e-6)


def test_policy_loss_is_ppos_where_the_data_is_of_the_policy_it_began_with():
    random = np.random.default_rng(0)
    log_ratios, advantages = random.normal(size=(2, 500)) * 0.5
    ratio = np.exp(log_ratios)
    ppo = -np.minimum(ratio * advantages, np.clip(ratio, 1 - CLIP, 1 + CLIP) * advantages)
    result = clipped_policy_loss(log_ratios, jnp.zeros(500), advantages, CLIP)
    np.testing.assert_allclose(result, ppo, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("initial", [0.5, 1.0, 3.0])
def test_policy_gradient_stops_outside_the_range_on_the_side_that_gains(initial):
    moves = jnp.array([0.7, 0.79, 0.81, 1.0, 1.19, 1.21, 1.3])
    ratios = moves * initial
    for sign in (1.0, -1.0):

        def loss(log_ratios, sign=sign):
            start = jnp.full(7, jnp.log(initial))
            return clipped_policy_loss(log_ratios, start, jnp.full(7, sign), CLIP).sum()

        gradient = jax.grad(loss)(jnp.log(ratios))
        open_ = moves < 1.2 if sign > 0 else moves > 0.8
        np.testing.assert_allclose(gradient, jnp.where(open_, -sign * ratios, 0.0), rtol=1e-5)


def test_ratios_are_exponentials_and_finite_for_any_logarithm():
    np.testing.assert_allclose(policy_ratio(jnp.log(jnp.array([0.1, 1.0, 7.0]))), [0.1, 1.0, 7.0])
    extreme = policy_ratio(jnp.array([-jnp.inf, -1e10, 1e10, jnp.inf]))
    assert np.isfinite(extreme).all()
    assert (np.diff(extreme) >= 0).all()
    np.testing.assert_allclose(extreme[0], 0.0, atol=1e-8)
    gradient = jax.grad(lambda x: policy_ratio(x).sum())(jnp.array([-1e10, 0.0, 1e10]))
    np.testing.assert_array_equal(gradient, [0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("value", "initial", "target", "loss"),
    [
        (1.0, 1.0, 3.0, 2.0),
        (1.1, 1.0, 3.0, 0.5 * 1.9**2),  # inside the range
        (2.0, 1.0, 3.0, 0.5 * 1.8**2),  # clipped to 1.2, which is further off
        (0.0, 1.0, 3.0, 0.5 * 3.0**2),  # clipped to 0.8, which is nearer: the larger error counts
        (3.0, 1.0, 3.0, 0.5 * 1.8**2),
    ],
)
def test_value_loss_by_hand(value, initial, target, loss):
    arrays = (jnp.array(value), jnp.array(initial), jnp.array(target))
    np.testing.assert_allclose(value_loss(*arrays, CLIP), loss, rtol=1e-6)
    np.testing.assert_allclose(value_loss(*arrays, None), 0.5 * (value - target) ** 2, rtol=1e-6)


DELTA = 0.7


def test_huber_loss_is_the_closed_form_and_optaxs():
    random = np.random.default_rng(0)
    values, targets = random.normal(size=(2, 200)) * 2
    error = np.abs(values - targets)
    result = value_loss(values, jnp.zeros(200), targets, None, DELTA)
    expected = np.where(error <= DELTA, 0.5 * error**2, DELTA * (error - 0.5 * DELTA))
    assert 20 < (error > DELTA).sum() < 180
    np.testing.assert_allclose(result, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(result, optax.huber_loss(values, targets, delta=DELTA), rtol=1e-5)


@pytest.mark.parametrize("clip", [None, CLIP])
def test_the_gradient_of_a_huber_loss_is_at_most_delta(clip):
    values, initial = jnp.linspace(-50.0, 50.0, 101), jnp.linspace(-49.0, 51.0, 101)

    def gradient(delta):
        def loss(values):
            return value_loss(values, initial, jnp.zeros(101), clip, delta).sum()

        return np.abs(jax.grad(loss)(values))

    np.testing.assert_allclose(gradient(DELTA).max(), DELTA, rtol=1e-6)
    assert gradient(0.0).max() > 20 * DELTA, "without Huber's bound it is the error"


@pytest.mark.parametrize(
    ("value", "initial", "target", "loss"),
    [
        (1.1, 1.0, 1.5, 0.5 * 0.4**2),  # inside the range and within delta
        (2.0, 1.0, 3.0, DELTA * (1.8 - 0.5 * DELTA)),  # clipped to 1.2, which is further off
        (0.0, 1.0, 3.0, DELTA * (3.0 - 0.5 * DELTA)),  # clipped to 0.8: the larger error counts
        (1.5, 1.0, 1.5, 0.5 * 0.3**2),  # right, but further than it may move
    ],
)
def test_huber_loss_with_clipping_by_hand(value, initial, target, loss):
    arrays = (jnp.array(value), jnp.array(initial), jnp.array(target))
    np.testing.assert_allclose(value_loss(*arrays, CLIP, DELTA), loss, rtol=1e-5)


def test_without_delta_the_loss_is_half_the_square_however_large_the_error():
    arrays = (jnp.array(100.0), jnp.array(100.0), jnp.array(0.0))
    assert value_loss(*arrays, None, 0.0) == 5000.0
    assert value_loss(*arrays, None, 1e6) == 5000.0
