"""Epsilon-greedy behaviour: mostly the action of most value, sometimes any available one."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PyTree

from gpae.methods import QLearningMethod
from gpae.networks import CategoricalPolicy, QNetwork, apply_q_network, mask_unavailable
from gpae.networks.policies import UNAVAILABLE_LOGIT


@struct.dataclass
class Explorer:
    """Parameters of an epsilon-greedy team: those of the Q-network, and epsilon."""

    params: Any
    epsilon: Float[Array, ""]


@dataclass(frozen=True)
class EpsilonGreedyActor:
    """A Q-network as a policy network that explores.

    Attributes:
        network: The Q-network.
    """

    network: QNetwork

    def apply(
        self,
        explorer: Explorer,
        hidden_state: PyTree,
        observations: Float[Array, "T *b N O"],
        available_actions: Bool[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, CategoricalPolicy]:
        """The hidden states after each step, and the policy of each step and agent."""
        hidden_states, values = apply_q_network(
            self.network, explorer.params, hidden_state, observations, resets
        )
        return hidden_states, epsilon_greedy(values, available_actions, explorer.epsilon)


def epsilon_greedy(
    values: Float[Array, "*b N A"],
    available_actions: Bool[Array, "*b N A"],
    epsilon: Float[Array, ""] | float,
) -> CategoricalPolicy:
    """With probability epsilon any available action, all alike; else the one of most value.

    Each agent draws for itself. Unavailable actions have probability 0 at every epsilon.
    """
    count = available_actions.sum(-1, keepdims=True)
    anything = available_actions / jnp.maximum(count, 1)
    best = mask_unavailable(values, available_actions).argmax(-1)
    greedy = jax.nn.one_hot(best, values.shape[-1])
    probabilities = epsilon * anything + (1.0 - epsilon) * greedy
    return CategoricalPolicy(
        jnp.where(probabilities > 0.0, jnp.log(probabilities), UNAVAILABLE_LOGIT)
    )


def epsilon_at(method: QLearningMethod, update: Int[Array, ""], updates: int) -> Float[Array, ""]:
    """Epsilon of the rollout collected after ``update`` of a run's ``updates`` updates."""
    falling = method.epsilon_decay * updates
    part = jnp.where(falling > 0, jnp.clip(update / jnp.maximum(falling, 1e-30), 0.0, 1.0), 1.0)
    return method.epsilon_start + part * (method.epsilon_finish - method.epsilon_start)
