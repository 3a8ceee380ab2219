"""Cores by name: the layers between a network's encoder and its head, one file each."""

from jaxtyping import PyTree

from gpae.networks.cores.core import Core, forget, register_core
from gpae.networks.cores.feedforward import FeedForward
from gpae.networks.cores.gru import Gru
from gpae.networks.cores.lstm import Lstm
from gpae.networks.registries import CORES
from gpae.networks.settings import NetworkSettings

__all__ = [
    "CORES",
    "Core",
    "FeedForward",
    "Gru",
    "Lstm",
    "forget",
    "initial_hidden_state",
    "register_core",
]


def initial_hidden_state(settings: NetworkSettings, *batch: int) -> PyTree:
    """The hidden state an episode begins with: a tree of zeros [*batch, ...].

    It has no leaves where the core has no hidden state.

    Raises:
        UserError: No core has the name ``settings.core``.
    """
    return CORES[settings.core].initial_hidden_state(settings, *batch)
