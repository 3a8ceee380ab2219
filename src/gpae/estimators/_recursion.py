"""Backward recursion shared by every multi-step estimator, and its traces."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Bool, Float

from gpae.estimators._validation import Scalar, Shape, floats, fraction, is_scalar


def backward_sums(
    increments: Float[Array, "T *S"],
    factors: Float[Array, "T *#S"],
    boundaries: Bool[Array, "T *#S"],
) -> Float[Array, "T *S"]:
    """Sums ``x[t] = increments[t] + factors[t] * x[t + 1]``, from the last step to the first.

    At a boundary, and at the last step, ``x[t] = increments[t]``: later steps leave it untouched,
    even if they hold NaN or infinity.

    Args:
        increments: Increment of step t.
        factors: The weight of step t+1 in step t; broadcast against ``increments``.
        boundaries: Whether step t is the last of its episode; broadcast likewise.
    """
    dtype = jnp.result_type(increments, factors)
    beyond = jnp.zeros(increments.shape[1:], dtype)
    _, sums = lax.scan(_step, beyond, (increments.astype(dtype), factors, boundaries), reverse=True)
    return sums


def next_traces(name: str, traces: ArrayLike, agents: Shape) -> Scalar:
    """Traces of the following step, 0 at the last; a scalar serves every step."""
    if is_scalar(traces):
        return fraction(name, traces)
    given = floats(name, traces, agents)
    return jnp.concatenate([given[1:], jnp.zeros_like(given[:1])])


def _step(following: Array, inputs: tuple[Array, Array, Array]) -> tuple[Array, Array]:
    increment, factor, boundary = inputs
    current = increment + jnp.where(boundary, 0.0, factor * following)
    return current, current
