"""The part of a network that may remember: a GRU over time, or a dense layer without memory."""

import flax.linen as nn
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from gpae.networks.initialisers import orthogonal
from gpae.networks.settings import NetworkSettings

HIDDEN_INITIALISER = orthogonal(np.sqrt(2))


class Hidden(nn.Module):
    """A dense layer with ReLU and, where the settings ask for it, layer normalisation."""

    settings: NetworkSettings
    size: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Apply the layer."""
        return activate(nn.Dense(self.size, kernel_init=HIDDEN_INITIALISER)(inputs), self.settings)


def activate(
    pre_activation: Float[Array, "*b H"], settings: NetworkSettings
) -> Float[Array, "*b H"]:
    """ReLU and, where asked for, layer normalisation; called inside a compact module."""
    activation = nn.relu(pre_activation)
    return nn.LayerNorm()(activation) if settings.layer_norm else activation


class _Cell(nn.Module):
    """One GRU step that forgets where an episode begins."""

    size: int

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "*b H"],
        inputs: tuple[Float[Array, "*b F"], Bool[Array, "*b"]],
    ) -> tuple[Float[Array, "*b H"], Float[Array, "*b H"]]:
        features, resets = inputs
        memory = jnp.where(resets[..., None], 0.0, memory)
        cell = nn.GRUCell(self.size, recurrent_kernel_init=orthogonal())
        return cell(memory, features)


class Core(nn.Module):
    """Features over time, with or without memory.

    The backward pass recomputes the GRU's gates instead of storing them (``nn.remat``): on
    processors where memory traffic is the limit that is faster, and the gradient is the same.
    """

    settings: NetworkSettings

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "*b M"],
        inputs: Float[Array, "T *b F"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b M"], Float[Array, "T *b H"]]:
        """Run the core over time.

        Args:
            memory: The memory before the first step.
            inputs: One feature vector a step.
            resets: True where a step begins an episode: memory from before it is dropped.

        Returns:
            The memory after each step, and the features of each step.
        """
        if self.settings.kind == "feedforward":
            features = Hidden(self.settings, self.settings.hidden_size)(inputs)
            return jnp.zeros((*features.shape[:-1], 0), features.dtype), features
        scan = nn.scan(
            nn.remat(_Cell, prevent_cse=False),
            variable_broadcast="params",
            split_rngs={"params": False},
        )
        _, memories = scan(self.settings.hidden_size)(memory, (inputs, resets))
        return memories, memories


def initial_memory(settings: NetworkSettings, *batch: int) -> Float[Array, "*b M"]:
    """The memory an episode begins with, all zero; of size 0 for a feed-forward network."""
    return jnp.zeros((*batch, settings.hidden_size if settings.kind == "recurrent" else 0))


class Head(nn.Module):
    """The last layers: an optional hidden one, and a linear output."""

    settings: NetworkSettings
    size: int
    scale: float

    @nn.compact
    def __call__(self, features: Float[Array, "*b H"]) -> Float[Array, "*b size"]:
        """Map features to outputs."""
        if self.settings.head_hidden:
            features = Hidden(self.settings, self.settings.hidden_size)(features)
        return nn.Dense(self.size, kernel_init=orthogonal(self.scale))(features)
