"""The GRU over some steps: its arguments, and the plain reference of every form."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.kernels.kernel import kernel


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


class GruParts(NamedTuple):
    """The parts of the hidden state after a step, each [*b, R, H].

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
) -> tuple[Array, GruParts]:
    """The hidden state after a step, [R, H], and its parts; the arguments are one step's."""
    read = forgotten(hidden_state, resets)
    reset, update, candidate = (read @ matrix for matrix in weights[:3])
    parts = gru_parts(GruInputs(reset, update, candidate), weights.bias, inputs)
    return gru_state(read, parts), parts


def gru_parts(products: GruInputs, bias: Float[Array, " H"], inputs: GruInputs) -> GruParts:
    """The parts of hidden states, each [*b, R, H].

    Args:
        products: The products of the weights with the hidden states before.
        bias: The bias of the candidate's recurrent part.
        inputs: The inputs' part of the gates and of the candidate.
    """
    reset = jax.nn.sigmoid(inputs.reset + products.reset)
    remembered = products.candidate + bias
    return GruParts(
        reset=reset,
        keep=jax.nn.sigmoid(inputs.update + products.update),
        candidate=jnp.tanh(inputs.candidate + reset * remembered),
        remembered=remembered,
    )


def gru_state(read: Float[Array, "*b R H"], parts: GruParts) -> Float[Array, "*b R H"]:
    """The hidden state with such parts after the one that was read."""
    return (1.0 - parts.keep) * parts.candidate + parts.keep * read


def forgotten(hidden_state: Float[Array, "*b H"], resets: Bool[Array, "*b"]) -> Array:
    """The hidden state, dropped where an episode begins."""
    return jnp.where(resets[..., None], 0.0, hidden_state)
