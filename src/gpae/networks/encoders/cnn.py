"""Convolutions over an image."""

from itertools import product
from typing import ClassVar

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.networks.encoders.encoder import Encoder, register_encoder
from gpae.networks.encoders.mlp import Mlp
from gpae.networks.layers import Dense, activate

_LARGEST_SIDE = 8
"""Longest side of the map that the dense layer is given."""


@register_encoder("cnn")
class Cnn(Encoder):
    """Two convolutions of 3 x 3, or for large images as many of stride 2, and a dense layer.

    Several images in a row are one with all their channels. A vector is given to the dense layer
    alone.
    """

    for_images: ClassVar[bool] = True

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Embed every vector or image of inputs on its own."""
        if self.shape is None:
            return Mlp(self.settings, self.size, name="dense")(inputs)
        features = _image(inputs, self.shape)
        for stride in _strides(max(self.shape[-3:-1])):
            patches = _patches(features, stride)
            features = activate(Dense(self.settings.channels)(patches), self.settings)
        flat = features.reshape(*inputs.shape[:-1], -1)
        return Mlp(self.settings, self.size, name="dense")(flat)


def _image(inputs: Float[Array, "*b F"], shape: tuple[int, ...]) -> Float[Array, "*b H W C"]:
    """The image of each row of inputs, the channels of several images one after the other."""
    images = inputs.reshape(*inputs.shape[:-1], *shape)
    if len(shape) == 3:
        return images
    batch, (height, width) = images.shape[:-4], shape[-3:-1]
    return jnp.moveaxis(images, -4, -2).reshape(*batch, height, width, -1)


def _patches(features: Float[Array, "*b H W C"], stride: int) -> Float[Array, "*b h w 9C"]:
    """The 3 x 3 cells around each cell, zeros beyond the border.

    A convolution is a dense layer over them: on a CPU XLA's own takes many times as long, in the
    backward pass above all.
    """
    height, width = features.shape[-3:-1]
    frame = [(0, 0)] * (features.ndim - 3) + [(1, 1), (1, 1), (0, 0)]
    padded = jnp.pad(features, frame)
    shifted = [
        padded[..., row : row + height : stride, column : column + width : stride, :]
        for row, column in product(range(3), repeat=2)
    ]
    return jnp.concatenate(shifted, axis=-1)


def _strides(side: int) -> list[int]:
    """The stride of each convolution: two of 1, or of 2 as many as a longer side needs."""
    halvings = 0
    while side > _LARGEST_SIDE:
        side, halvings = -(-side // 2), halvings + 1
    return [2] * halvings or [1, 1]
