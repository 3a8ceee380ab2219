"""Selection and combination of entries along the last axis."""

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float, Int


def select(entries: Float[Array, "*B K"], index: Int[Array, "*B"]) -> Float[Array, "*B"]:
    """Entries ``entries[..., index]``, NaN where the index is outside ``[0, K)``."""
    outside = entries.shape[-1]
    position = jnp.where(index < 0, outside, index)[..., None]
    return jnp.take_along_axis(entries, position, axis=-1, mode="fill")[..., 0]


def sum_of_others(entries: Float[Array, "*B N"]) -> Float[Array, "*B N"]:
    """Sum over all other agents, for each agent.

    Nothing is subtracted, so an infinite entry makes the other agents' sums infinite and leaves its
    own finite.
    """
    own = jnp.eye(entries.shape[-1], dtype=bool)
    return jnp.where(own, 0.0, entries[..., None, :]).sum(axis=-1)


def with_agent_axis(array: Array, rank: int) -> Array:
    """Array with an agent axis, of size one for a team's array [T, *B]."""
    return array if array.ndim == rank else array[..., None]
