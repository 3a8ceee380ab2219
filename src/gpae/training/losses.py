"""The clipped policy loss and the clipped regression loss, element by element."""

import jax.numpy as jnp
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
) -> Float[Array, "*b"]:
    """Half the squared error (Eq. 10); with ``clip``, that of the clipped value if it is larger."""
    error = (values - targets) ** 2
    if clip is not None:
        clipped = initial_values + jnp.clip(values - initial_values, -clip, clip)
        error = jnp.maximum(error, (clipped - targets) ** 2)
    return 0.5 * error
