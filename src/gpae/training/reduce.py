"""Sums and means over everything all devices hold, inside a function mapped over devices."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

DEVICES = "devices"
"""Name of the mesh axis that environments are split over."""


def global_sum(values: Float[Array, "*b"]) -> Float[Array, ""]:
    """Sum of all elements on all devices."""
    return jax.lax.psum(values.sum(), DEVICES)


def global_mean(values: Float[Array, "*b"], weights: Float[Array, "*b"]) -> Float[Array, ""]:
    """Weighted mean over all elements on all devices; 0 where no weight is positive."""
    weights = jnp.broadcast_to(weights, values.shape)
    total = global_sum(weights)
    return global_sum(values * weights) / jnp.where(total > 0, total, 1.0)


def normalise(values: Float[Array, "T E N"], weights: Float[Array, "T E"]) -> Float[Array, "T E N"]:
    """Shift and scale to mean 0 and variance 1 over the whole batch, all agents together."""
    weights = jnp.broadcast_to(weights[..., None], values.shape)
    mean = global_mean(values, weights)
    variance = global_mean((values - mean) ** 2, weights)
    return (values - mean) / (jnp.sqrt(variance) + 1e-8)
