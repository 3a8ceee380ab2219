"""The interface of an encoder, and the registry of all encoders."""

import flax.linen as nn
from jaxtyping import Array, Float

from gpae.networks.registries import ENCODERS
from gpae.networks.settings import NetworkSettings


class Encoder(nn.Module):
    """The first layers over an observation or a state, before the first activation.

    Attributes:
        settings: The network's shape.
        size: The width of the embedding.
    """

    settings: NetworkSettings
    size: int

    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Embed every vector of inputs on its own."""
        raise NotImplementedError


register_encoder = ENCODERS.register
"""Decorator that makes a subclass of :class:`Encoder` available as ``network.encoder=NAME``."""


def make_encoder(settings: NetworkSettings, size: int, name: str) -> Encoder:
    """The encoder that the settings name, as a submodule; called in a compact module.

    Raises:
        UserError: No encoder has the name ``settings.encoder``.
    """
    return ENCODERS[settings.encoder](settings, size, name=name)
