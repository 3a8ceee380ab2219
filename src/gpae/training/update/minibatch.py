"""Minibatches: a normalised batch, of which chunks of some environments are taken."""

from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Int

from gpae.methods import Batch, HiddenStates, Minibatch, Totals
from gpae.training.reduce import global_sum, normalise
from gpae.training.window import split_chunks


@struct.dataclass
class PreparedBatch:
    """A batch with normalised advantages, of which minibatches of some environments are taken.

    Attributes:
        batch: The batch in merged time, [T, E, ...].
        hidden_states: The hidden states before the first step of each chunk, [R, E, ...].
        chunk: The length L of a chunk.
    """

    batch: Batch
    hidden_states: HiddenStates
    chunk: int = struct.field(pytree_node=False)

    def minibatch(self, totals: Totals, environments: Int[Array, " B"] | None = None) -> Minibatch:
        """The chunks of the environments with the given numbers, or of all of them.

        Environments are taken before time is cut: the result is contiguous, and small when cut.

        Args:
            totals: The denominators of the whole minibatch.
            environments: The environments' numbers, within their range.
        """
        batch, hidden_states = self._taken(environments)
        return Minibatch(
            batch=split_chunks(batch, self.chunk), hidden_states=hidden_states, totals=totals
        )

    def totals(self, environments: Int[Array, " B"] | None = None) -> Totals:
        """The denominators of a minibatch of these environments, on all devices.

        Called inside a function mapped over devices.
        """
        batch, _ = self._taken(environments)
        living = batch.weights[..., None] * batch.steps.observation.alive
        return Totals(steps=global_sum(batch.weights), living=jnp.maximum(global_sum(living), 1.0))

    def _taken(self, environments: Int[Array, " B"] | None) -> tuple[Batch, HiddenStates]:
        taken = self.batch, self.hidden_states
        if environments is None:
            return taken
        return jax.tree.map(lambda leaf: leaf.take(environments, axis=1, mode="clip"), taken)


def prepare_batch(batch: Batch, hidden_states: HiddenStates, chunk: int) -> PreparedBatch:
    """Normalise the advantages over the whole batch, and find each chunk's first hidden states.

    Called inside a function mapped over devices, over which the batch is split.

    Args:
        batch: The batch, [T, E, ...].
        hidden_states: The hidden states before each step, [T, E, ...].
        chunk: The length of a chunk in steps.
    """
    return PreparedBatch(
        batch=replace(batch, advantages=normalise(batch.advantages, batch.weights)),
        hidden_states=jax.tree.map(lambda leaf: leaf[::chunk], hidden_states),
        chunk=chunk,
    )
