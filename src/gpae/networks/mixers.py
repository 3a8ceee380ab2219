"""Mixers: from the agents' own action values to the value of their joint action."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.kernels.initialisers import orthogonal
from gpae.networks.layers import as_numbers


class SumMixer(nn.Module):
    """VDN: the team's value is the sum of the agents' (Sunehag et al., AAMAS 2018)."""

    @nn.compact
    def __call__(
        self, values: Float[Array, "*b N"], state: Float[Array, "*b S"]
    ) -> Float[Array, "*b"]:
        """Add up the agents' values; the state is not looked at."""
        return values.sum(-1)


class MonotonicMixer(nn.Module):
    """QMIX: a network of the agents' values, its weights made from the state and never negative.

    ``Q_tot = elu(q |W_1(s)| + b_1(s)) . |w_2(s)| + b_2(s)`` (Rashid et al., ICML 2018, section 4).
    As no weight is negative, Q_tot falls in no agent's value, so the joint action of the agents'
    own best actions is the team's best: each can act on its own.

    Attributes:
        size: Width of the mixing network's hidden layer.
        hypernetwork_size: Width of the hidden layer of the networks that make its weights.
        scale: Scale of every layer at the start.
    """

    size: int
    hypernetwork_size: int
    scale: float

    @nn.compact
    def __call__(
        self, values: Float[Array, "*b N"], state: Float[Array, "*b S"]
    ) -> Float[Array, "*b"]:
        """Mix the agents' values.

        Args:
            values: Each agent's value.
            state: The global state.
        """
        agents, state = values.shape[-1], as_numbers(state)
        first = jnp.abs(self._hypernetwork(state, self.hypernetwork_size, agents * self.size))
        first = first.reshape(*first.shape[:-1], agents, self.size)
        shift = self._layer(self.size)(state)
        hidden = nn.elu(jnp.einsum("...n,...nh->...h", values, first) + shift)
        second = jnp.abs(self._hypernetwork(state, self.hypernetwork_size, self.size))
        bias = self._hypernetwork(state, self.size, 1).squeeze(-1)
        return (hidden * second).sum(-1) + bias

    def _hypernetwork(
        self, state: Float[Array, "*b S"], hidden: int, outputs: int
    ) -> Float[Array, "*b outputs"]:
        return self._layer(outputs)(nn.relu(self._layer(hidden)(state)))

    def _layer(self, size: int) -> nn.Dense:
        return nn.Dense(size, kernel_init=orthogonal(self.scale))


Mixer = SumMixer | MonotonicMixer


def apply_mixer(
    mixer: Mixer, params: Any, values: Float[Array, "*b N"], state: Float[Array, "*b S"]
) -> Float[Array, "*b"]:
    """A mixer with the given parameters, as a typed function."""
    mixed: Any = mixer.apply(params, values, state)
    return mixed
