"""The clipped policy loss and the clipped regression loss, element by element."""

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

LOG_RATIO_LIMIT = 20.0
"""Log-ratios are limited to this before the exponential, so that no ratio overflows."""


def policy_ratio(log_ratios: Float[Array, "*b"]) -> Float[Array, "*b"]:
    """Pi / mu from its logarithm, finite for any input."""
    return jnp.exp(jnp.clip(log_ratios, -LOG_RATIO_LIMIT, LOG_RATIO_LIMIT))


def clipped_policy_loss(
    log_ratios: Float[Array, "*b"],
    initial_log_ratios: Float[Array, "*b"],
    advantages: Float[Array, "*b"],
    clip: float,
) -> Float[Array, "*b"]:
    """PPO's loss around the ratio an iteration began with.

    ``-min(r A, clip(r, r_old (1 - eps), r_old (1 + eps)) A)`` with r = pi_theta / mu and r_old = pi
    / mu at the iteration's start; it is PPO's where mu is the policy the iteration began with.

    Args:
        log_ratios: log r.
        initial_log_ratios: log r_old.
        advantages: The (normalised) advantages.
        clip: The range epsilon.
    """
    ratio, initial = policy_ratio(log_ratios), policy_ratio(initial_log_ratios)
    clipped = jnp.clip(ratio, initial * (1.0 - clip), initial * (1.0 + clip))
    return -jnp.minimum(ratio * advantages, clipped * advantages)


def value_loss(
    values: Float[Array, "*b"],
    initial_values: Float[Array, "*b"],
    targets: Float[Array, "*b"],
    clip: float | None,
    huber_delta: float = 0.0,
) -> Float[Array, "*b"]:
    """Half the squared error (Eq. 10); with ``clip``, that of the clipped value if it is larger.

    Args:
        values: The critic's values.
        initial_values: Its values as the iteration began.
        targets: The regression targets.
        clip: The largest change of a value from its initial one; None for no limit.
        huber_delta: The error from which the loss grows linearly; 0 for never (Huber, 1964).
    """
    loss = _regression_loss(values - targets, huber_delta)
    if clip is None:
        return loss
    clipped = initial_values + jnp.clip(values - initial_values, -clip, clip)
    return jnp.maximum(loss, _regression_loss(clipped - targets, huber_delta))


def _regression_loss(error: Float[Array, "*b"], huber_delta: float) -> Float[Array, "*b"]:
    return optax.huber_loss(error, delta=huber_delta) if huber_delta else 0.5 * error**2
