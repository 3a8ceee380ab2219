"""Action values of each agent's own observations, and acting greedily on them."""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from gpae.kernels.blocks import over_time
from gpae.networks.actor import agent_network
from gpae.networks.policies import UNAVAILABLE_LOGIT, CategoricalPolicy
from gpae.networks.settings import NetworkSettings

OUTPUT_SCALE = 1.0
"""Scale of the last layer at the start."""


class QNetwork(nn.Module):
    """Observations to the value of each action, for every agent."""

    settings: NetworkSettings
    num_actions: int

    @nn.compact
    def __call__(
        self,
        hidden_state: PyTree,
        observations: Float[Array, "T *b N O"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Float[Array, "T *b N A"]]:
        """Value the actions over a stretch of time.

        Args:
            hidden_state: The agents' hidden states before the first step, [*b, N, ...].
            observations: Each agent's own observation.
            resets: True where a step begins an episode.

        Returns:
            The hidden states after each step, and the values of all actions, unavailable ones as
            well.
        """
        network = agent_network(self.settings, observations, self.num_actions, OUTPUT_SCALE)
        return over_time(network, hidden_state, observations, resets)


def apply_q_network(
    network: QNetwork,
    params: Any,
    hidden_state: PyTree,
    observations: Float[Array, "T *b N O"],
    resets: Bool[Array, "T *b"],
) -> tuple[PyTree, Float[Array, "T *b N A"]]:
    """:class:`QNetwork` with the given parameters, as a typed function."""
    result: Any = network.apply(params, hidden_state, observations, resets)
    hidden_states, values = result
    return hidden_states, values


def mask_unavailable(
    values: Float[Array, "*b N A"], available_actions: Bool[Array, "*b N A"]
) -> Float[Array, "*b N A"]:
    """The values, with those of unavailable actions below all others."""
    return jnp.where(available_actions, values, UNAVAILABLE_LOGIT)


@dataclass(frozen=True)
class GreedyActor:
    """A Q-network as a policy network, whose policy's mode is the available action of most value.

    Attributes:
        network: The Q-network.
    """

    network: QNetwork

    def apply(
        self,
        params: Any,
        hidden_state: PyTree,
        observations: Float[Array, "T *b N O"],
        available_actions: Bool[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, CategoricalPolicy]:
        """The hidden states after each step, and a policy that has the values as its logits."""
        hidden_states, values = apply_q_network(
            self.network, params, hidden_state, observations, resets
        )
        return hidden_states, CategoricalPolicy(mask_unavailable(values, available_actions))
