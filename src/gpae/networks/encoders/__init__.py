"""Encoders by name: a network's first layers over an observation or a state, one file each."""

from gpae.networks.encoders.cnn import Cnn
from gpae.networks.encoders.encoder import Encoder, make_encoder, register_encoder
from gpae.networks.encoders.mlp import Mlp
from gpae.networks.registries import ENCODERS

__all__ = ["ENCODERS", "Cnn", "Encoder", "Mlp", "make_encoder", "register_encoder"]
