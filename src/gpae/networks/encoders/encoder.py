"""The interface of an encoder, and the registry of all encoders."""

from typing import ClassVar

import flax.linen as nn
from jaxtyping import Array, Float

from gpae.networks.registries import ENCODERS
from gpae.networks.settings import ImageShape, NetworkSettings


class Encoder(nn.Module):
    """The first layers over an observation or a state, before the first activation.

    Attributes:
        settings: The network's shape.
        size: The width of the embedding.
        shape: The shape of the image that the F inputs are, row by row; None for a vector.
        for_images: Whether the encoder is refused where there are vectors alone.
    """

    settings: NetworkSettings
    size: int
    shape: ImageShape = None

    for_images: ClassVar[bool] = False

    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Embed every vector or image of inputs on its own."""
        raise NotImplementedError


register_encoder = ENCODERS.register
"""Decorator that makes a subclass of :class:`Encoder` available as ``network.encoder=NAME``."""


def make_encoder(settings: NetworkSettings, size: int, name: str) -> Encoder:
    """The encoder that the settings name, as a submodule; called in a compact module.

    Args:
        settings: The network's shape.
        size: The width of the embedding.
        name: The submodule's name: ``observation`` or ``state``, whichever it is given.

    Raises:
        UserError: No encoder has the name ``settings.encoder``.
    """
    encoder = ENCODERS[settings.encoder]
    return encoder(settings, size, shape=settings.image_shape(name), name=name)
