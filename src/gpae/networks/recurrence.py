"""A GRU over some steps, with a gradient that multiplies few and large matrices."""

from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float

from gpae.networks.dense import sum_of_rows, transposed

KEPT = "kept"
"""The name of what a backward pass is given instead of computing it again."""


def kept(array: Float[Array, "*b H"]) -> Float[Array, "*b H"]:
    """The array, by name among what a backward pass is given (:data:`KEPT`)."""
    named: Float[Array, "*b H"] = checkpoint_name(array, KEPT)
    return named


class Recurrent(NamedTuple):
    """What a GRU multiplies its memory by.

    Attributes:
        reset: The reset gate's kernel, [H, H].
        update: The update gate's kernel, [H, H].
        candidate: The candidate's kernel, [H, H].
        bias: The bias of the candidate's recurrent part, [H].
    """

    reset: Array
    update: Array
    candidate: Array
    bias: Array


class Seen(NamedTuple):
    """What a GRU makes of its inputs, for every step: their part of each gate and the candidate.

    Attributes:
        reset: The reset gate's, [B, R, H].
        update: The update gate's, [B, R, H].
        candidate: The candidate's, [B, R, H].
    """

    reset: Array
    update: Array
    candidate: Array


@jax.custom_vjp
def memories_after(
    recurrent: Recurrent,
    memory: Float[Array, "R H"],
    seen: Seen,
    resets: Bool[Array, "B R"],
) -> Float[Array, "B R H"]:
    """The memories of ``flax.linen.GRUCell`` after each of B steps.

    JAX's own gradient of a loop multiplies a kernel's gradient together, and adds it up, in every
    step. Here the loop backwards only finds the gradients by what went into the nonlinearities;
    the kernels' follow in one product over all its steps. So a block should be short enough to
    stay in a processor's cache, and long enough for the product to be large.

    Args:
        recurrent: The kernels.
        memory: The memory before the first step.
        seen: The inputs' part.
        resets: Where a step begins an episode: memory from before it is dropped.
    """
    return _run(recurrent, memory, seen, resets)[0]


def _run(
    recurrent: Recurrent, memory: Array, seen: Seen, resets: Array
) -> tuple[Array, Array, Array, Array]:
    """The memories, what went into the gates, and the memory's part of the candidate."""

    def step(
        memory: Array, inputs: tuple[Seen, Array]
    ) -> tuple[Array, tuple[Array, Array, Array, Array]]:
        seen, resets = inputs
        memory = _forgotten(memory, resets)
        reset = seen.reset + memory @ recurrent.reset
        update = seen.update + memory @ recurrent.update
        remembered = memory @ recurrent.candidate + recurrent.bias
        candidate = jnp.tanh(seen.candidate + jax.nn.sigmoid(reset) * remembered)
        keep = jax.nn.sigmoid(update)
        memory = (1.0 - keep) * candidate + keep * memory
        return memory, (memory, reset, update, remembered)

    return jax.lax.scan(step, memory, (seen, resets))[1]


_Residuals = tuple[Recurrent, Array, Array, Array, Array, Array, Array, Array]


def _forward(
    recurrent: Recurrent, memory: Array, seen: Seen, resets: Array
) -> tuple[Array, _Residuals]:
    memories, reset, update, remembered = map(kept, _run(recurrent, memory, seen, resets))
    candidate = kept(seen.candidate)
    return memories, (recurrent, memory, memories, resets, reset, update, candidate, remembered)


def _backward(residuals: _Residuals, gradient: Array) -> tuple[Recurrent, Array, Seen, None]:
    """The gradients.

    Those by what was seen overwrite, step by step, what went into the gates and the inputs' part of
    the candidate: a loop's results of their own would begin as copies of zeros.
    """
    recurrent, memory, memories, resets, reset, update, candidate, remembered = residuals
    kernels = [jax.lax.optimization_barrier(kernel.T) for kernel in recurrent[:3]]

    def step(
        carry: tuple[Array, Seen], inputs: tuple[Array, ...]
    ) -> tuple[tuple[Array, Seen], tuple[Array, Array]]:
        later, slots = carry
        time, before, resets, remembered, gradient = inputs
        read = _forgotten(before, resets)
        by_seen, by_remembered, by_kept = _gradients_of_a_step(
            later + gradient, read, jax.tree.map(partial(_at, time), slots), remembered
        )
        through = zip((by_seen.reset, by_seen.update, by_remembered), kernels, strict=True)
        by_read = sum((part @ kernel for part, kernel in through), start=by_kept)
        slots = jax.tree.map(partial(_put, time), slots, by_seen)
        return (_forgotten(by_read, resets), slots), (by_remembered, read)

    before = jnp.concatenate([memory[None], memories[:-1]])
    (by_memory, seen), (by_remembered, read) = jax.lax.scan(
        step,
        (jnp.zeros_like(memory), Seen(reset, update, candidate)),
        (jnp.arange(len(resets)), before, resets, remembered, gradient),
        reverse=True,
    )
    rows = transposed(_rows(read))
    by_kernels = Recurrent(
        reset=rows @ _rows(seen.reset),
        update=rows @ _rows(seen.update),
        candidate=rows @ _rows(by_remembered),
        bias=sum_of_rows(_rows(by_remembered)),
    )
    return by_kernels, by_memory, seen, None


memories_after.defvjp(_forward, _backward)


def _gradients_of_a_step(
    gradient: Array, memory: Array, inputs: Seen, remembered: Array
) -> tuple[Seen, Array, Array]:
    """From the gradient by the memory after a step to those by what made it.

    Args:
        gradient: By the memory after the step.
        memory: The memory before it, as the step read it.
        inputs: What went into the gates, and the inputs' part of the candidate.
        remembered: The memory's part of the candidate.

    Returns:
        The gradients by what was seen, by the memory's part of the candidate, and by the memory as
        far as the update gate keeps it.
    """
    reset, keep = jax.nn.sigmoid(inputs.reset), jax.nn.sigmoid(inputs.update)
    candidate = jnp.tanh(inputs.candidate + reset * remembered)
    by_candidate = gradient * (1.0 - keep) * (1.0 - candidate**2)
    seen = Seen(
        reset=by_candidate * remembered * reset * (1.0 - reset),
        update=gradient * (memory - candidate) * keep * (1.0 - keep),
        candidate=by_candidate,
    )
    return seen, by_candidate * reset, gradient * keep


def _at(time: Array, steps: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(steps, time, keepdims=False, allow_negative_indices=False)


def _put(time: Array, steps: Array, step: Array) -> Array:
    return jax.lax.dynamic_update_index_in_dim(steps, step, time, 0, allow_negative_indices=False)


def _forgotten(memory: Array, resets: Array) -> Array:
    return jnp.where(resets[..., None], 0.0, memory)


def _rows(steps: Float[Array, "B R H"]) -> Float[Array, "BR H"]:
    return steps.reshape(-1, steps.shape[-1])
