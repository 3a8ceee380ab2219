"""A long short-term memory."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.kernels.initialisers import orthogonal
from gpae.networks.cores.core import Core, forget, register_core
from gpae.networks.settings import NetworkSettings

LstmState = tuple[Float[Array, "*b H"], Float[Array, "*b H"]]
"""The cell, and the hidden vector that is the output."""


@register_core("lstm")
class Lstm(Core):
    """``flax.linen.OptimizedLSTMCell`` over time (Hochreiter and Schmidhuber, 1997)."""

    @classmethod
    def initial_hidden_state(cls, settings: NetworkSettings, *batch: int) -> LstmState:
        """Zeros, a pair of [*batch, H]."""
        shape = (*batch, settings.hidden_size)
        return jnp.zeros(shape), jnp.zeros(shape)

    @nn.compact
    def __call__(
        self,
        hidden_state: LstmState,
        features: Float[Array, "T *b F"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[LstmState, Float[Array, "T *b H"]]:
        """Run the cell over time; its features are its hidden vectors."""
        cell = nn.OptimizedLSTMCell(
            self.settings.hidden_size, recurrent_kernel_init=orthogonal(), name="cell"
        )
        steps = nn.scan(
            _step,
            variable_broadcast="params",
            split_rngs={"params": False},
            check_constancy_invariants=self.is_initializing(),
        )
        hidden_states: LstmState = steps(cell, hidden_state, (features, resets))[1]
        return hidden_states, hidden_states[1]


def _step(
    cell: nn.OptimizedLSTMCell, hidden_state: LstmState, inputs: tuple[Array, Array]
) -> tuple[LstmState, LstmState]:
    features, resets = inputs
    hidden_state, _ = cell(forget(hidden_state, resets), features)
    return hidden_state, hidden_state
