"""The layers that networks are made of."""

import flax.linen as nn
import jax.numpy as jnp
from jax.nn.initializers import Initializer
from jaxtyping import Array, Float, Shaped

from gpae.kernels.blocks import kept
from gpae.kernels.initialisers import HIDDEN_INITIALISER, orthogonal
from gpae.kernels.joint_actions import apply_to_joint_actions
from gpae.kernels.parameters import parameter
from gpae.kernels.products import add_to_rows, dot_of_rows
from gpae.networks.settings import NetworkSettings


def as_numbers(seen: Shaped[Array, "*b F"]) -> Float[Array, "*b F"]:
    """Observations or states as a network takes them: floats as they are, pixels from 0 to 1.

    Args:
        seen: Numbers of any type; of type uint8 they are pixels from 0 to 255.
    """
    if jnp.issubdtype(seen.dtype, jnp.floating):
        return seen
    numbers = seen.astype(jnp.float32)
    return numbers / 255.0 if seen.dtype == jnp.uint8 else numbers


class Dense(nn.Module):
    """``flax.linen.Dense``, parameters and all."""

    size: int
    initialiser: Initializer = HIDDEN_INITIALISER
    use_bias: bool = True

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Apply the layer."""
        kernel = parameter(self, "kernel", self.initialiser, (inputs.shape[-1], self.size))
        outputs = dot_of_rows(inputs, kernel)
        if not self.use_bias:
            return outputs
        bias = parameter(self, "bias", nn.initializers.zeros, (self.size,))
        return add_to_rows(outputs.reshape(-1, self.size), bias).reshape(outputs.shape)


class Hidden(nn.Module):
    """A dense layer with ReLU and, where the settings ask for it, layer normalisation."""

    settings: NetworkSettings
    size: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Apply the layer."""
        return activate(Dense(self.size)(inputs), self.settings)


def activate(
    pre_activation: Float[Array, "*b H"], settings: NetworkSettings
) -> Float[Array, "*b H"]:
    """ReLU and, where asked for, layer normalisation; called inside a compact module."""
    activation = nn.relu(kept(pre_activation))
    return nn.LayerNorm()(activation) if settings.layer_norm else activation


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
        return Dense(self.size, orthogonal(self.scale))(features)


class JointActionLayer(nn.Module):
    """A dense layer without bias over the joint action as each agent's critic sees it.

    Agent i's output depends on the others' actions and on the own slot, never on its own action.
    """

    size: int

    @nn.compact
    def __call__(
        self, action_features: Float[Array, "*b N A"], own_features: Float[Array, "*b N A"]
    ) -> Float[Array, "*b N size"]:
        """Apply the layer to each agent's row of the joint action."""
        num_agents, num_actions = action_features.shape[-2:]
        kernel = parameter(
            self, "kernel", HIDDEN_INITIALISER, (num_agents * num_actions, self.size)
        )
        return apply_to_joint_actions(action_features, own_features, kernel)
