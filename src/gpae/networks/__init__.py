"""Actors and critics, recurrent or feed-forward, over time-major arrays with agents as an axis."""

from gpae.networks.actor import Actor, sample
from gpae.networks.core import initial_memory
from gpae.networks.critic import Critic, CriticInputs
from gpae.networks.settings import NETWORK_KINDS, NetworkSettings

__all__ = [
    "NETWORK_KINDS",
    "Actor",
    "Critic",
    "CriticInputs",
    "NetworkSettings",
    "initial_memory",
    "sample",
]
