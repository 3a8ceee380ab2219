"""A batch cut into chunks, and minibatches of some of its environments."""

from functools import partial

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int

from gpae.networks import Policy
from gpae.training.estimation import Batch
from gpae.training.reduce import global_sum, normalise
from gpae.training.state import Memories, Steps
from gpae.training.window import split_chunks


@struct.dataclass
class Rows:
    """The batch cut into chunks, [L, R, E, ...] with L steps a chunk and R chunks an environment.

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
    policy_summary: Float[Array, "L R E N A"]
    log_ratios: Float[Array, "L R E N"]
    advantages: Float[Array, "L R E N"]
    values: Float[Array, "L R E C"]
    targets: Float[Array, "L R E C"]
    weights: Float[Array, "L R E"]


@struct.dataclass
class Minibatch:
    """Chunks, and the recurrent states each begins with.

    Attributes:
        rows: The chunks, [L, R, E, ...].
        memories: The recurrent states before their first steps, [R, E, ...].
    """

    rows: Rows
    memories: Memories

    def select(self, environments: Int[Array, " B"]) -> "Minibatch":
        """The chunks of some of the environments, whose numbers must be within their range."""

        def take(leaf: Array, axis: int) -> Array:
            return leaf.take(environments, axis=axis, mode="clip")

        return Minibatch(
            rows=jax.tree.map(partial(take, axis=2), self.rows),
            memories=jax.tree.map(partial(take, axis=1), self.memories),
        )


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
        """Those of some rows, whatever axes they have in front."""
        living = rows.weights[..., None] * rows.steps.view.alive
        return cls(steps=global_sum(rows.weights), living=jnp.maximum(global_sum(living), 1.0))


def cut_into_chunks(batch: Batch, chunk: int) -> Minibatch:
    """Normalise the advantages over the whole batch and cut it into chunks."""
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
    return Minibatch(
        rows=split_chunks(rows, chunk),
        memories=jax.tree.map(lambda leaf: leaf[::chunk], batch.memories),
    )
