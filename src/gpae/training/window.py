"""The replay window: the last M rollouts of each environment as one sequence in time."""

from typing import TypeVar

import jax
import jax.numpy as jnp

from gpae.training.state import Rollout, Window

Tree = TypeVar("Tree")


def empty_window(rollout: Rollout, length: int) -> Window:
    """A window of M rollouts, shaped after the one given, of which none exists yet."""
    return Window(
        rollouts=jax.tree.map(lambda leaf: jnp.zeros((length, *leaf.shape), leaf.dtype), rollout),
        valid=jnp.zeros(length, bool),
    )


def append(window: Window, rollout: Rollout) -> Window:
    """Drop the oldest rollout and add a new one at the end."""

    def shift(kept: jax.Array, new: jax.Array) -> jax.Array:
        return jnp.concatenate([kept[1:], new[None]])

    return Window(
        rollouts=jax.tree.map(shift, window.rollouts, rollout),
        valid=shift(window.valid, jnp.array(True)),
    )


def merge_time(tree: Tree) -> Tree:
    """Join rollouts, which are contiguous in time, [M, T, ...] to [M T, ...]."""
    return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), tree)


def split_chunks(tree: Tree, chunk: int) -> Tree:
    """Cut time into chunks side by side, [M T, E, ...] to [chunk, M T / chunk, E, ...]."""

    def split(leaf: jax.Array) -> jax.Array:
        return leaf.reshape(-1, chunk, *leaf.shape[1:]).swapaxes(0, 1)

    return jax.tree.map(split, tree)
