"""Actors and critics over time-major arrays with agents as an axis, in plain Flax.

A network is an encoder, a core that may have a hidden state, and a head. Encoders and cores are
registered by name, also from other packages.
"""

from gpae.networks.actor import Actor, PolicyNetwork, apply_actor
from gpae.networks.cores import CORES, Core, initial_hidden_state, register_core
from gpae.networks.critic import Critic, CriticInputs, CriticSpec, apply_critic
from gpae.networks.encoders import ENCODERS, Encoder, register_encoder
from gpae.networks.mixers import Mixer, MonotonicMixer, SumMixer, apply_mixer
from gpae.networks.policies import CategoricalPolicy, GaussianPolicy, Policy, sample
from gpae.networks.q_network import GreedyActor, QNetwork, apply_q_network, mask_unavailable
from gpae.networks.settings import ImageShape, NetworkSettings

__all__ = [
    "CORES",
    "ENCODERS",
    "Actor",
    "CategoricalPolicy",
    "Core",
    "Critic",
    "CriticInputs",
    "CriticSpec",
    "Encoder",
    "GaussianPolicy",
    "GreedyActor",
    "ImageShape",
    "Mixer",
    "MonotonicMixer",
    "NetworkSettings",
    "Policy",
    "PolicyNetwork",
    "QNetwork",
    "SumMixer",
    "apply_actor",
    "apply_critic",
    "apply_mixer",
    "apply_q_network",
    "initial_hidden_state",
    "mask_unavailable",
    "register_core",
    "register_encoder",
    "sample",
]
