"""A dense layer."""

import flax.linen as nn
from jaxtyping import Array, Float

from gpae.networks.encoders.encoder import Encoder, register_encoder
from gpae.networks.layers import Dense


@register_encoder("mlp")
class Mlp(Encoder):
    """A dense layer, after layer normalisation where the settings ask for it."""

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Embed every vector of inputs on its own."""
        if self.settings.layer_norm:
            inputs = nn.LayerNorm()(inputs)
        return Dense(self.size)(inputs)
