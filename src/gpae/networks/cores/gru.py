"""A gated recurrent unit."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.kernels.initialisers import orthogonal
from gpae.kernels.parameters import parameter
from gpae.kernels.recurrence import GruInputs, GruWeights, gru_hidden_states
from gpae.networks.cores.core import Core, register_core
from gpae.networks.layers import Dense
from gpae.networks.settings import NetworkSettings


@register_core("gru")
class Gru(Core):
    """``flax.linen.GRUCell`` over time, with its parameters (Cho et al., EMNLP 2014)."""

    @classmethod
    def initial_hidden_state(
        cls, settings: NetworkSettings, *batch: int
    ) -> Float[Array, "*batch H"]:
        """Zeros, [*batch, H]."""
        return jnp.zeros((*batch, settings.hidden_size))

    @nn.compact
    def __call__(
        self,
        hidden_state: Float[Array, "*b H"],
        features: Float[Array, "T *b F"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b H"], Float[Array, "T *b H"]]:
        """Run the unit over time; its features are its hidden states."""
        size = self.settings.hidden_size
        rows = features.reshape(len(features), -1, features.shape[-1])
        inputs = (
            Dense(size, nn.initializers.lecun_normal(), name=name)(rows)
            for name in ("ir", "iz", "in")
        )
        (reset,), (update,) = _Recurrent(size, name="hr")(), _Recurrent(size, name="hz")()
        candidate, bias = _Recurrent(size, use_bias=True, name="hn")()
        hidden_states = gru_hidden_states(
            GruWeights(reset, update, candidate, bias),
            hidden_state.reshape(-1, size),
            GruInputs(*inputs),
            resets.reshape(len(resets), -1),
        ).reshape(*features.shape[:-1], size)
        return hidden_states, hidden_states


class _Recurrent(nn.Module):
    """The parameters of a dense layer over the hidden state, without its product."""

    size: int
    use_bias: bool = False

    @nn.compact
    def __call__(self) -> tuple[Array, ...]:
        kernel = parameter(self, "kernel", orthogonal(), (self.size, self.size))
        if not self.use_bias:
            return (kernel,)
        return kernel, parameter(self, "bias", nn.initializers.zeros, (self.size,))
