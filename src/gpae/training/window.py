"""The replay window: the last M rollouts of each environment as one sequence in time."""

from dataclasses import replace
from typing import TypeVar

import jax
import jax.numpy as jnp

from gpae.training.collection import record_truncations
from gpae.training.state import CollectorState, Rollout, Window

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


def cut_off(window: Window, collector: CollectorState) -> Window:
    """Truncate the episodes that the newest rollout has left under way.

    Args:
        window: The window, whose rollouts have a slot for each truncated step.
        collector: The environments after the newest rollout.
    """
    newest: Rollout = jax.tree.map(lambda leaf: leaf[-1], window.rollouts)
    under_way, steps = ~collector.first, len(newest.steps.truncated)
    truncated = newest.steps.truncated.at[-1].set(newest.steps.truncated[-1] | under_way)
    ended = replace(
        newest,
        steps=replace(newest.steps, truncated=truncated),
        truncations=record_truncations(
            newest.truncations, collector.observation, under_way, steps - 1, steps
        ),
    )
    rollouts = jax.tree.map(lambda kept, new: kept.at[-1].set(new), window.rollouts, ended)
    return replace(window, rollouts=rollouts)


def merge_time(tree: Tree) -> Tree:
    """Join rollouts, which are contiguous in time, [M, T, ...] to [M T, ...]."""
    return jax.tree.map(lambda leaf: jax.lax.collapse(leaf, 0, 2), tree)


def split_chunks(tree: Tree, chunk: int) -> Tree:
    """Cut time into chunks side by side, [M T, E, ...] to [chunk, M T / chunk, E, ...]."""

    def split(leaf: jax.Array) -> jax.Array:
        return leaf.reshape(-1, chunk, *leaf.shape[1:]).swapaxes(0, 1)

    return jax.tree.map(split, tree)
