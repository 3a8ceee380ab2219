"""A network over time, a few steps at once from its first layer to its last.

On a CPU the rows of a few steps are many enough for fast products and stay in a processor's cache,
which those of a rollout do not. The backward pass is given what :func:`kept` names and computes the
rest again, which is faster there than keeping all and than keeping nothing.
Both follow from the hardware; no upstream issue is known. Seen with jaxlib 0.10.2; they go when the
reference is as fast in ``make bench``.
"""

import math
from typing import Any

import flax.linen as nn
import jax
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float, PyTree

from gpae.kernels.kernel import kernel

BLOCK_ROWS = 640
"""Rows that a recurrent network computes together, at most, where a step has fewer."""

KEPT = "kept"
"""The name of an array that a backward pass is given instead of computing it again."""


def kept(array: Float[Array, "*b H"]) -> Float[Array, "*b H"]:
    """The array, by name among what a backward pass is given (:data:`KEPT`)."""
    named: Float[Array, "*b H"] = checkpoint_name(array, KEPT)
    return named


@kernel
def over_time(
    network: nn.Module, hidden_state: PyTree, inputs: PyTree, resets: Bool[Array, "T *b"]
) -> tuple[PyTree, PyTree]:
    """``network(hidden_state, inputs, resets)``.

    Args:
        network: A module that is bound, over T steps; it returns the hidden states after each step
            and its outputs, all with time as their leading axis.
        hidden_state: The hidden state before the first step; its leaves are [*b, N, ...].
        inputs: The inputs, a tree of arrays [T, ...].
        resets: True where a step begins an episode.
    """
    return network(hidden_state, inputs, resets)


@over_time.fast("cpu")
def _in_blocks(
    network: nn.Module, hidden_state: PyTree, inputs: PyTree, resets: Array
) -> tuple[PyTree, PyTree]:
    """The network block after block; without a hidden state as it is, with nothing to recompute."""
    leaves = jax.tree.leaves(hidden_state)
    if not leaves:
        return network(hidden_state, inputs, resets)
    length = block_length(len(resets), math.prod(leaves[0].shape[:-1]))
    block = nn.remat(
        _block,
        prevent_cse=False,
        policy=jax.checkpoint_policies.save_only_these_names(KEPT),
    )
    if length == len(resets):
        return block(network, hidden_state, (inputs, resets))[1]
    blocks = jax.tree.map(lambda leaf: leaf.reshape(-1, length, *leaf.shape[1:]), (inputs, resets))
    scan = nn.scan(
        block,
        variable_broadcast="params",
        split_rngs={"params": False},
        check_constancy_invariants=network.is_initializing(),
    )
    results = scan(network, hidden_state, blocks)[1]
    joined: Any = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), results)
    return joined


def _block(
    network: nn.Module, hidden_state: PyTree, block: tuple[PyTree, Array]
) -> tuple[PyTree, tuple[PyTree, PyTree]]:
    """The hidden state after a block's last step, and the network's results."""
    hidden_states, outputs = network(hidden_state, *block)
    return jax.tree.map(lambda leaf: leaf[-1], hidden_states), (hidden_states, outputs)


def block_length(steps: int, rows: int) -> int:
    """The number of steps computed together: as many as divide all steps and have few rows.

    Args:
        steps: The number of steps, 1 or more.
        rows: The number of rows of each.
    """
    lengths = range(min(steps, BLOCK_ROWS // rows), 1, -1)
    return next((length for length in lengths if steps % length == 0), 1)
