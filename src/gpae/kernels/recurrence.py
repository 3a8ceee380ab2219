"""A GRU over some steps, with a gradient that multiplies few and large matrices.

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
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.kernels.blocks import kept
from gpae.kernels.kernel import kernel
from gpae.kernels.products import sum_of_rows, transposed


class GruWeights(NamedTuple):
    """The parameters a GRU applies to its hidden state.

    Attributes:
        reset: The reset gate's matrix, [H, H].
        update: The update gate's matrix, [H, H].
        candidate: The candidate's matrix, [H, H].
        bias: The bias of the candidate's recurrent part, [H].
    """

    reset: Array
    update: Array
    candidate: Array
    bias: Array


class GruInputs(NamedTuple):
    """A GRU's inputs after their own dense layers, for every step.

    Attributes:
        reset: The part of the reset gate, [B, R, H].
        update: The part of the update gate, [B, R, H].
        candidate: The part of the candidate, [B, R, H].
    """

    reset: Array
    update: Array
    candidate: Array


@kernel
def gru_hidden_states(
    weights: GruWeights,
    hidden_state: Float[Array, "R H"],
    inputs: GruInputs,
    resets: Bool[Array, "B R"],
) -> Float[Array, "B R H"]:
    """The hidden states of ``flax.linen.GRUCell`` after each of B steps.

    Args:
        weights: The recurrent parameters.
        hidden_state: The hidden state before the first step.
        inputs: The inputs' part of the gates and of the candidate.
        resets: True where a step begins an episode: the hidden state from before it is dropped.
    """

    def step(hidden_state: Array, given: tuple[GruInputs, Array]) -> tuple[Array, Array]:
        hidden_state, _ = gru_step(weights, hidden_state, *given)
        return hidden_state, hidden_state

    return jax.lax.scan(step, hidden_state, (inputs, resets))[1]


class Parts(NamedTuple):
    """The parts of the hidden state after a step, each [B, R, H].

    A backward pass puts gradients in their places: by what goes into the two gates and into the
    candidate, and by the remembered part.

    Attributes:
        reset: How much of the remembered part the candidate gets, 0 to 1.
        keep: How much of the hidden state stays, 0 to 1.
        candidate: The replacement of the rest, -1 to 1.
        remembered: The hidden state's part of the candidate.
    """

    reset: Array
    keep: Array
    candidate: Array
    remembered: Array


def gru_step(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> tuple[Array, Parts]:
    """The hidden state after a step, [R, H], and its parts; arguments are those of one step."""
    hidden_state = forgotten(hidden_state, resets)
    reset = jax.nn.sigmoid(inputs.reset + hidden_state @ weights.reset)
    keep = jax.nn.sigmoid(inputs.update + hidden_state @ weights.update)
    remembered = hidden_state @ weights.candidate + weights.bias
    candidate = jnp.tanh(inputs.candidate + reset * remembered)
    hidden_state = (1.0 - keep) * candidate + keep * hidden_state
    return hidden_state, Parts(reset, keep, candidate, remembered)


@gru_hidden_states.fast("cpu", "tpu")
@jax.custom_vjp
def _gru_hidden_states(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> Array:
    """A loop forwards that keeps its parts, and the loop backwards of :func:`_backward`."""
    return _run(weights, hidden_state, inputs, resets)[0]


def _run(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> tuple[Array, Parts]:
    """The hidden states, and their parts."""

    def step(
        hidden_state: Array, given: tuple[GruInputs, Array]
    ) -> tuple[Array, tuple[Array, Parts]]:
        hidden_state, parts = gru_step(weights, hidden_state, *given)
        return hidden_state, (hidden_state, parts)

    return jax.lax.scan(step, hidden_state, (inputs, resets))[1]


_Slots = tuple[Array, Parts]
_Residuals = tuple[GruWeights, Array, Array, Array, Parts]


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
    matrices = jax.tree.map(jax.lax.optimization_barrier, transposed_matrices(weights))
    last = len(resets) - 1

    def step(
        carry: tuple[Array, _Slots, _Slots], inputs: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, _Slots, _Slots], None]:
        later, slots, pending = carry
        time, resets, gradient = inputs
        slots = jax.tree.map(partial(_put, jnp.minimum(time + 1, last)), slots, pending)
        before = jnp.where(time == 0, hidden_state, _at(jnp.maximum(time - 1, 0), slots[0]))
        read, parts = forgotten(before, resets), jax.tree.map(partial(_at, time), slots[1])
        by_parts, by_read = gradients_of_a_step(later + gradient, read, parts, matrices)
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
    return gradients_by_weights(read, by_parts), by_hidden_state, by_inputs, None


_gru_hidden_states.defvjp(_forward, _backward)


@gru_hidden_states.fast("gpu")
def _on_a_gpu(weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array) -> Array:
    """All steps in one launch where they fit, else the loops.

    Pallas is imported only here: it takes time, and a JAX without it still has the loops.
    """
    try:
        from gpae.kernels import gpu_recurrence
    except ImportError:
        return _gru_hidden_states(weights, hidden_state, inputs, resets)
    if gpu_recurrence.fits(weights, hidden_state, inputs):
        return gpu_recurrence.hidden_states(weights, hidden_state, inputs, resets)
    return _gru_hidden_states(weights, hidden_state, inputs, resets)


def gradients_by_weights(read: Float[Array, "B R H"], by_parts: Parts) -> GruWeights:
    """The gradients by the weights, in one product over the rows of all steps for each.

    Args:
        read: The hidden state that each step read.
        by_parts: The gradients by the parts of all steps.
    """
    rows = transposed(_rows(read))
    return GruWeights(
        reset=rows @ _rows(by_parts.reset),
        update=rows @ _rows(by_parts.keep),
        candidate=rows @ _rows(by_parts.remembered),
        bias=sum_of_rows(_rows(by_parts.remembered)),
    )


def transposed_matrices(weights: GruWeights) -> tuple[Array, Array, Array]:
    """The matrices that :func:`gradients_of_a_step` multiplies by, each [H, H]."""
    return weights.reset.T, weights.update.T, weights.candidate.T


def gradients_of_a_step(
    gradient: Array, hidden_state: Array, parts: Parts, matrices: tuple[Array, Array, Array]
) -> tuple[Parts, Array]:
    """From the gradient by the hidden state after a step to those by its parts.

    Args:
        gradient: By the hidden state after the step, [R, H].
        hidden_state: The hidden state before it, as the step read it, [R, H].
        parts: The parts of the hidden state after it, each [R, H].
        matrices: Those of :func:`transposed_matrices`.

    Returns:
        The gradients by what goes into the gates and the candidate, and by the remembered part;
        and by the hidden state that the step read.
    """
    reset, keep, candidate, remembered = parts
    by_candidate = gradient * (1.0 - keep) * (1.0 - candidate**2)
    gradients = Parts(
        reset=by_candidate * remembered * reset * (1.0 - reset),
        keep=gradient * (hidden_state - candidate) * keep * (1.0 - keep),
        candidate=by_candidate,
        remembered=by_candidate * reset,
    )
    through = zip((gradients.reset, gradients.keep, gradients.remembered), matrices, strict=True)
    return gradients, sum((part @ matrix for part, matrix in through), start=gradient * keep)


def _at(time: Array | int, steps: Array) -> Array:
    return jax.lax.dynamic_index_in_dim(steps, time, keepdims=False, allow_negative_indices=False)


def _put(time: Array | int, steps: Array, step: Array) -> Array:
    return jax.lax.dynamic_update_index_in_dim(steps, step, time, 0, allow_negative_indices=False)


def forgotten(hidden_state: Float[Array, "*b H"], resets: Bool[Array, "*b"]) -> Array:
    """The hidden state, dropped where an episode begins."""
    return jnp.where(resets[..., None], 0.0, hidden_state)


def _rows(steps: Float[Array, "B R H"]) -> Float[Array, "BR H"]:
    return steps.reshape(-1, steps.shape[-1])
