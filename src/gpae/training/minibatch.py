"""A batch cut into chunks, and minibatches of some of its environments."""

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from gpae.networks import Policy
from gpae.training.estimation import Batch
from gpae.training.reduce import global_sum, normalise
from gpae.training.state import HiddenStates, Steps
from gpae.training.window import split_chunks


@struct.dataclass
class Rows:
    """What gradient steps learn from, [*t, E, ...]: in merged time, or cut into chunks.

    Chunks have [L, R] in place of time: L steps a chunk, R chunks an environment.

    Attributes:
        steps: The steps.
        policy: The policies as the iteration began.
        policy_summary: They as a critic sees them.
        log_ratios: log pi - log mu as the iteration began.
        advantages: Normalised advantages.
        values: The critic's values as the iteration began.
        targets: The critic's targets.
        weights: 0 for steps that do not exist.
    """

    steps: Steps
    policy: Policy
    policy_summary: Float[Array, "*t E N A"]
    log_ratios: Float[Array, "*t E N"]
    advantages: Float[Array, "*t E N"]
    values: Float[Array, "*t E C"]
    targets: Float[Array, "*t E C"]
    weights: Float[Array, "*t E"]


@struct.dataclass
class Minibatch:
    """Chunks, and the recurrent states each begins with.

    Attributes:
        rows: The chunks, [L, R, E, ...].
        hidden_states: The recurrent states before their first steps, [R, E, ...].
    """

    rows: Rows
    hidden_states: HiddenStates


@struct.dataclass
class PreparedBatch:
    """A batch of which minibatches are taken, each of some of its environments.

    Attributes:
        rows: The rows in merged time, [T, E, ...].
        hidden_states: The recurrent states before the first step of each chunk, [R, E, ...].
        chunk: The length L of a chunk.
    """

    rows: Rows
    hidden_states: HiddenStates
    chunk: int = struct.field(pytree_node=False)

    def minibatch(self, environments: Int[Array, " B"] | None = None) -> Minibatch:
        """The chunks of the environments with the given numbers, or of all of them.

        Numbers must be within their range. Environments are taken before time is cut: what is taken
        lies in memory as it did, and is cut where it is small.
        """
        taken = self.rows, self.hidden_states
        if environments is not None:
            taken = jax.tree.map(lambda leaf: leaf.take(environments, axis=1, mode="clip"), taken)
        rows, hidden_states = taken
        return Minibatch(rows=split_chunks(rows, self.chunk), hidden_states=hidden_states)


@struct.dataclass
class Totals:
    """What the means over a minibatch, or over the one this is a part of, are divided by.

    Attributes:
        steps: How many steps there are on all devices.
        living: How many living agents there are in these steps.
    """

    steps: Float[Array, ""]
    living: Float[Array, ""]

    @classmethod
    def of(cls, rows: Rows) -> "Totals":
        """Those of some rows, on all devices that the function which calls this is mapped over."""
        living = rows.weights[..., None] * rows.steps.observation.alive
        return cls(steps=global_sum(rows.weights), living=jnp.maximum(global_sum(living), 1.0))


def prepare_batch(batch: Batch, chunk: int) -> PreparedBatch:
    """Normalise the advantages over the whole batch, and find what each chunk begins with.

    Called inside a function mapped over devices, over which the batch is split.
    """
    rows = Rows(
        steps=batch.steps,
        policy=batch.policy,
        policy_summary=batch.policy.summary(),
        log_ratios=batch.log_ratios,
        advantages=normalise(batch.estimate.advantages, batch.weights),
        values=batch.values,
        targets=batch.estimate.targets,
        weights=batch.weights,
    )
    hidden_states = jax.tree.map(lambda leaf: leaf[::chunk], batch.hidden_states)
    return PreparedBatch(rows=rows, hidden_states=hidden_states, chunk=chunk)
