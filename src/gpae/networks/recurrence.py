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
    """What a GRU multiplies its hidden state by.

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
def hidden_states_after(
    recurrent: Recurrent,
    hidden_state: Float[Array, "R H"],
    seen: Seen,
    resets: Bool[Array, "B R"],
) -> Float[Array, "B R H"]:
    """The hidden states of ``flax.linen.GRUCell`` after each of B steps.

    JAX's own gradient of a loop multiplies a kernel's gradient together, and adds it up, in every
    step. Here the loop backwards only finds the gradients by what went into the nonlinearities;
    the kernels' follow in one product over all its steps. So a block should be short enough to
    stay in a processor's cache, and long enough for the product to be large.

    Args:
        recurrent: The kernels.
        hidden_state: The hidden state before the first step.
        seen: The inputs' part.
        resets: Where a step begins an episode: hidden state from before it is dropped.
    """
    return _run(recurrent, hidden_state, seen, resets)[0]


class _Parts(NamedTuple):
    """What the hidden state after a step is made of, each [B, R, H].

    The backward loop puts gradients in their places: by what goes into the two gates and into the
    candidate, and by the remembered part.

    Attributes:
        reset: How much of the remembered part the candidate gets, 0 to 1.
        keep: How much of the hidden state stays, 0 to 1.
        candidate: What replaces the rest, -1 to 1.
        remembered: The hidden state's part of the candidate.
    """

    reset: Array
    keep: Array
    candidate: Array
    remembered: Array


def _run(
    recurrent: Recurrent, hidden_state: Array, seen: Seen, resets: Array
) -> tuple[Array, _Parts]:
    """The hidden states, and what they are made of."""

    def step(hidden_state: Array, inputs: tuple[Seen, Array]) -> tuple[Array, tuple[Array, _Parts]]:
        seen, resets = inputs
        hidden_state = _forgotten(hidden_state, resets)
        reset = jax.nn.sigmoid(seen.reset + hidden_state @ recurrent.reset)
        keep = jax.nn.sigmoid(seen.update + hidden_state @ recurrent.update)
        remembered = hidden_state @ recurrent.candidate + recurrent.bias
        candidate = jnp.tanh(seen.candidate + reset * remembered)
        hidden_state = (1.0 - keep) * candidate + keep * hidden_state
        return hidden_state, (hidden_state, _Parts(reset, keep, candidate, remembered))

    return jax.lax.scan(step, hidden_state, (seen, resets))[1]


_Slots = tuple[Array, _Parts]
_Residuals = tuple[Recurrent, Array, Array, Array, _Parts]


def _forward(
    recurrent: Recurrent, hidden_state: Array, seen: Seen, resets: Array
) -> tuple[Array, _Residuals]:
    hidden_states, parts = jax.tree.map(kept, _run(recurrent, hidden_state, seen, resets))
    return hidden_states, (recurrent, hidden_state, hidden_states, resets, parts)


def _backward(residuals: _Residuals, gradient: Array) -> tuple[Recurrent, Array, Seen, None]:
    """The gradients.

    What each step read overwrites the hidden states, and the gradients by what went into its parts
    these parts, but one step later: results of the loop's own would begin as copies of zeros, and
    XLA copies whole what it cannot see to have been read before it is overwritten. The first turn
    of the loop, which has nothing to put yet, puts the last step's own values where they are.
    """
    recurrent, hidden_state, hidden_states, resets, parts = residuals
    kernels = [jax.lax.optimization_barrier(kernel.T) for kernel in recurrent[:3]]
    last = len(resets) - 1

    def step(
        carry: tuple[Array, _Slots, _Slots], inputs: tuple[Array, Array, Array]
    ) -> tuple[tuple[Array, _Slots, _Slots], None]:
        later, slots, pending = carry
        time, resets, gradient = inputs
        slots = jax.tree.map(partial(_put, jnp.minimum(time + 1, last)), slots, pending)
        before = jnp.where(time == 0, hidden_state, _at(jnp.maximum(time - 1, 0), slots[0]))
        read, parts = _forgotten(before, resets), jax.tree.map(partial(_at, time), slots[1])
        by_parts, by_kept = _gradients_of_a_step(later + gradient, read, parts)
        through = zip((by_parts.reset, by_parts.keep, by_parts.remembered), kernels, strict=True)
        by_read = sum((part @ kernel for part, kernel in through), start=by_kept)
        return (_forgotten(by_read, resets), slots, (read, by_parts)), None

    slots = hidden_states, parts
    unchanged = jax.tree.map(partial(_at, last), slots)
    (by_hidden_state, slots, first), _ = jax.lax.scan(
        step,
        (jnp.zeros_like(hidden_state), slots, unchanged),
        (jnp.arange(len(resets)), resets, gradient),
        reverse=True,
    )
    read, by_parts = jax.tree.map(partial(_put, 0), slots, first)
    rows = transposed(_rows(read))
    by_kernels = Recurrent(
        reset=rows @ _rows(by_parts.reset),
        update=rows @ _rows(by_parts.keep),
        candidate=rows @ _rows(by_parts.remembered),
        bias=sum_of_rows(_rows(by_parts.remembered)),
    )
    return (
        by_kernels,
        by_hidden_state,
        Seen(by_parts.reset, by_parts.keep, by_parts.candidate),
        None,
    )


hidden_states_after.defvjp(_forward, _backward)


def _gradients_of_a_step(
    gradient: Array, hidden_state: Array, parts: _Parts
) -> tuple[_Parts, Array]:
    """From the gradient by the hidden state after a step to those by what made it.

    Args:
        gradient: By the hidden state after the step.
        hidden_state: The hidden state before it, as the step read it.
        parts: What the hidden state after it is made of.

    Returns:
        The gradients by what goes into the gates and the candidate, and by the remembered part;
        and by the hidden state as far as the update gate keeps it.
    """
    reset, keep, candidate, remembered = parts
    by_candidate = gradient * (1.0 - keep) * (1.0 - candidate**2)
    gradients = _Parts(
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


def _forgotten(hidden_state: Array, resets: Array) -> Array:
    return jnp.where(resets[..., None], 0.0, hidden_state)


def _rows(steps: Float[Array, "B R H"]) -> Float[Array, "BR H"]:
    return steps.reshape(-1, steps.shape[-1])
