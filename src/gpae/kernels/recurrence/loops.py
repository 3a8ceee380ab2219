"""The loops of a GRU, with a gradient that multiplies few and large matrices.

JAX's gradient of a loop multiplies a weight matrix's gradient together, and adds it up, in every
step. In the fast form the loop backwards only finds the gradients by what went into the
nonlinearities; those of the weights follow in one product over all its steps. So a block should be
short enough to stay in a processor's cache, and long enough for the product to be large.

Its loop overwrites its own inputs, since XLA would copy whole an array that it cannot see to have
been read before it is overwritten (https://github.com/jax-ml/jax/issues/17845, seen with jaxlib
0.10.2). The form can go when JAX moves the products of a loop's gradient out of the loop
(https://github.com/jax-ml/jax/issues/15906).
"""

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.kernels.blocks import kept
from gpae.kernels.products import sum_of_rows, transposed
from gpae.kernels.recurrence.gru import (
    GruInputs,
    GruParts,
    GruWeights,
    forgotten,
    gru_hidden_states,
    gru_step,
)


@gru_hidden_states.fast("cpu", "tpu")
@jax.custom_vjp
def _gru_hidden_states(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> Array:
    """A loop forwards that keeps its parts, and the loop backwards of :func:`_backward`."""
    return _run(weights, hidden_state, inputs, resets)[0]


def _run(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> tuple[Array, GruParts]:
    """The hidden states, and their parts."""

    def step(
        hidden_state: Array, given: tuple[GruInputs, Array]
    ) -> tuple[Array, tuple[Array, GruParts]]:
        hidden_state, parts = gru_step(weights, hidden_state, *given)
        return hidden_state, (hidden_state, parts)

    return jax.lax.scan(step, hidden_state, (inputs, resets))[1]


_Slots = tuple[Array, GruParts]
_Residuals = tuple[GruWeights, Array, Array, Array, GruParts]


def _forward(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> tuple[Array, _Residuals]:
    hidden_states, parts = jax.tree.map(kept, _run(weights, hidden_state, inputs, resets))
    return hidden_states, (weights, hidden_state, hidden_states, resets, parts)


def _backward(residuals: _Residuals, gradient: Array) -> tuple[GruWeights, Array, GruInputs, None]:
    """The gradients.

    The hidden state that each step read overwrites those after the steps, and the gradients by the
    inputs of its parts overwrite these parts, but one step later: results of the loop's own would
    begin as copies of zeros. The first turn of the loop, which has nothing to put yet, puts the
    last step's own values where they are.
    """
    weights, hidden_state, hidden_states, resets, parts = residuals
    matrices = [jax.lax.optimization_barrier(matrix.T) for matrix in weights[:3]]
    last = len(resets) - 1

    def step(
        carry: tuple[Array, _Slots, _Slots], inputs: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, _Slots, _Slots], None]:
        later, slots, pending = carry
        time, resets, gradient = inputs
        slots = jax.tree.map(partial(_put, jnp.minimum(time + 1, last)), slots, pending)
        before = jnp.where(time == 0, hidden_state, _at(jnp.maximum(time - 1, 0), slots[0]))
        read, parts = forgotten(before, resets), jax.tree.map(partial(_at, time), slots[1])
        by_parts, by_kept = _gradients_of_a_step(later + gradient, read, parts)
        through = zip((by_parts.reset, by_parts.keep, by_parts.remembered), matrices, strict=True)
        by_read = sum((part @ matrix for part, matrix in through), start=by_kept)
        return (forgotten(by_read, resets), slots, (read, by_parts)), None

    slots = hidden_states, parts
    unchanged = jax.tree.map(partial(_at, last), slots)
    (by_hidden_state, slots, first), _ = jax.lax.scan(
        step,
        (jnp.zeros_like(hidden_state), slots, unchanged),
        (jnp.arange(len(resets)), resets, gradient),
        reverse=True,
    )
    read, by_parts = jax.tree.map(partial(_put, 0), slots, first)
    by_inputs = GruInputs(by_parts.reset, by_parts.keep, by_parts.candidate)
    return _gradients_by_weights(read, by_parts), by_hidden_state, by_inputs, None


_gru_hidden_states.defvjp(_forward, _backward)


def _gradients_by_weights(read: Array, by_parts: GruParts) -> GruWeights:
    """The gradients by the weights, in one product over the rows of all steps for each."""
    rows = transposed(_rows(read))
    return GruWeights(
        reset=rows @ _rows(by_parts.reset),
        update=rows @ _rows(by_parts.keep),
        candidate=rows @ _rows(by_parts.remembered),
        bias=sum_of_rows(_rows(by_parts.remembered)),
    )


def _gradients_of_a_step(
    gradient: Array, hidden_state: Array, parts: GruParts
) -> tuple[GruParts, Array]:
    """From the gradient by the hidden state after a step to those by its parts.

    Args:
        gradient: By the hidden state after the step.
        hidden_state: The hidden state before it, as the step read it.
        parts: The parts of the hidden state after it.

    Returns:
        The gradients by what goes into the gates and the candidate, and by the remembered part;
        and by the hidden state as far as the update gate keeps it.
    """
    reset, keep, candidate, remembered = parts
    by_candidate = gradient * (1.0 - keep) * (1.0 - candidate**2)
    gradients = GruParts(
        reset=by_candidate * remembered * reset * (1.0 - reset),
        keep=gradient * (hidden_state - candidate) * keep * (1.0 - keep),
        candidate=by_candidate,
        remembered=by_candidate * reset,
    )
    return gradients, gradient * keep


def _at(time: Array | int, steps: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(steps, time, keepdims=False, allow_negative_indices=False)


def _put(time: Array | int, steps: Array, step: Array) -> Array:
    return jax.lax.dynamic_update_index_in_dim(steps, step, time, 0, allow_negative_indices=False)


def _rows(steps: Float[Array, "B R H"]) -> Float[Array, "BR H"]:
    return steps.reshape(-1, steps.shape[-1])
