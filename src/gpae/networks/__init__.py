"""Actors and critics, recurrent or feed-forward, over time-major arrays with agents as an axis."""

from gpae.networks.acting import PolicyNetwork
from gpae.networks.actor import Actor, apply_actor
from gpae.networks.core import initial_hidden_state
from gpae.networks.critic import Critic, CriticInputs, CriticSpec, apply_critic
from gpae.networks.mixers import Mixer, MonotonicMixer, SumMixer, apply_mixer
from gpae.networks.policies import CategoricalPolicy, GaussianPolicy, Policy, sample
from gpae.networks.q_network import GreedyActor, QNetwork, apply_q_network, mask_unavailable
from gpae.networks.reward_model import (
    RewardEnsemble,
    apply_reward_models,
    make_reward_models,
)
from gpae.networks.settings import NETWORK_KINDS, NetworkSettings

__all__ = [
    "NETWORK_KINDS",
    "Actor",
    "CategoricalPolicy",
    "Critic",
    "CriticInputs",
    "CriticSpec",
    "GaussianPolicy",
    "GreedyActor",
    "Mixer",
    "MonotonicMixer",
    "NetworkSettings",
    "Policy",
    "PolicyNetwork",
    "QNetwork",
    "RewardEnsemble",
    "SumMixer",
    "apply_actor",
    "apply_critic",
    "apply_mixer",
    "apply_q_network",
    "apply_reward_models",
    "initial_hidden_state",
    "make_reward_models",
    "mask_unavailable",
    "sample",
]
