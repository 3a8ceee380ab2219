"""Actors and critics, recurrent or feed-forward, over time-major arrays with agents as an axis."""

from gpae.networks.actor import Actor, apply_actor, sample
from gpae.networks.core import initial_memory
from gpae.networks.critic import Critic, CriticInputs, apply_critic
from gpae.networks.settings import NETWORK_KINDS, NetworkSettings

__all__ = [
    "NETWORK_KINDS",
    "Actor",
    "Critic",
    "CriticInputs",
    "NetworkSettings",
    "apply_actor",
    "apply_critic",
    "initial_memory",
    "sample",
]
