"""The loops of a GRU on a GPU, with few kernels a step.

At these sizes a GPU launches a kernel in about the time that it runs, so a step counts by its
kernels. Forwards a step is one product for all gates and what follows it, and only hidden states
are written. Backwards, the gates of all steps are computed again in one large product before the
loop, and so is all that the gradients by a step's gates and candidate are proportional to; a step
is then one product too, and the gradients by inputs and weights follow for all steps at once.

It follows from the hardware, no upstream issue is known. It can go when ``python -m
benchmarks.recurrence`` finds the other loops as fast.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.kernels.recurrence.gru import (
    GruInputs,
    GruParts,
    GruWeights,
    forgotten,
    gru_hidden_states,
    gru_parts,
    gru_state,
)


@gru_hidden_states.fast("gpu")
@jax.custom_vjp
def _hidden_states(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> Array:
    """A loop of one product a step."""
    matrix = _one_matrix(weights)
    later = jnp.concatenate([resets[1:], jnp.zeros_like(resets[:1])])

    def step(read: Array, given: tuple[GruInputs, Array]) -> tuple[Array, Array]:
        inputs, resets = given
        after = gru_state(read, gru_parts(_gates(read @ matrix), weights.bias, inputs))
        return forgotten(after, resets), after

    return jax.lax.scan(step, forgotten(hidden_state, resets[0]), (inputs, later))[1]


_Residuals = tuple[GruWeights, Array, GruInputs, Array, Array]


def _forward(
    weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> tuple[Array, _Residuals]:
    states = _hidden_states(weights, hidden_state, inputs, resets)
    return states, (weights, hidden_state, inputs, resets, states)


def _backward(
    residuals: _Residuals, gradient: Float[Array, "B R H"]
) -> tuple[GruWeights, Array, GruInputs, None]:
    """The gradients.

    Those by a step's gates and remembered part are the gradient by the state after it times
    ``factors``, [B, R, 3, H], which depend on no gradient.
    """
    weights, hidden_state, inputs, resets, states = residuals
    matrix = _one_matrix(weights)
    read = forgotten(jnp.concatenate([hidden_state[None], states[:-1]]), resets)
    parts = gru_parts(_gates(read @ matrix), weights.bias, inputs)
    of_candidate, factors = _factors(read, parts)

    def step(
        later: Array, given: tuple[Array, Array, Array, Array]
    ) -> tuple[Array, Float[Array, "R H"]]:
        gradient, factors, keep, resets = given
        by_state = later + gradient
        by_gates = (by_state[:, None] * factors).reshape(len(by_state), -1)
        return forgotten(by_gates @ matrix.T + by_state * keep, resets), by_state

    by_hidden_state, by_states = jax.lax.scan(
        step, jnp.zeros_like(hidden_state), (gradient, factors, parts.keep, resets), reverse=True
    )
    by_gates = by_states[:, :, None] * factors
    by_inputs = GruInputs(by_gates[:, :, 0], by_gates[:, :, 1], by_states * of_candidate)
    return _by_weights(read, by_gates), by_hidden_state, by_inputs, None


_hidden_states.defvjp(_forward, _backward)


def _one_matrix(weights: GruWeights) -> Float[Array, "H 3H"]:
    return jnp.concatenate(weights[:3], axis=1)


def _gates(products: Float[Array, "*b 3H"]) -> GruInputs:
    """Each gate's share of the products with :func:`_one_matrix`."""
    reset, update, candidate = jnp.split(products, 3, axis=-1)
    return GruInputs(reset, update, candidate)


def _factors(
    read: Float[Array, "B R H"], parts: GruParts
) -> tuple[Float[Array, "B R H"], Float[Array, "B R 3 H"]]:
    """Derivatives of a state by what goes into its candidate, and into its gates and memory."""
    reset, keep, candidate, remembered = parts
    of_candidate = (1.0 - keep) * (1.0 - candidate**2)
    of_reset = of_candidate * remembered * reset * (1.0 - reset)
    of_update = (read - candidate) * keep * (1.0 - keep)
    return of_candidate, jnp.stack([of_reset, of_update, of_candidate * reset], axis=2)


def _by_weights(read: Float[Array, "B R H"], by_gates: Float[Array, "B R 3 H"]) -> GruWeights:
    """The gradients by the weights, in one product over the rows of all steps."""
    size = read.shape[-1]
    rows = by_gates.reshape(-1, 3 * size)
    reset, update, candidate = jnp.split(read.reshape(-1, size).T @ rows, 3, axis=1)
    return GruWeights(reset, update, candidate, bias=by_gates[:, :, 2].sum((0, 1)))
