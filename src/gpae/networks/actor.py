"""The policy network: each agent acts on its own observation."""

from typing import Any, Protocol

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from gpae.environments.environment import ActionSpace, DiscreteActions
from gpae.kernels.blocks import over_time
from gpae.kernels.initialisers import HIDDEN_INITIALISER
from gpae.kernels.parameters import parameter
from gpae.kernels.products import add_to_rows
from gpae.networks.encoders import make_encoder
from gpae.networks.layers import activate, as_numbers
from gpae.networks.network import Network, network_per_agent
from gpae.networks.policies import (
    UNAVAILABLE_LOGIT,
    CategoricalPolicy,
    GaussianPolicy,
    Policy,
)
from gpae.networks.settings import NetworkSettings

POLICY_SCALE = 0.01
"""Scale of the last layer at the start: policies begin nearly uniform, or with means near 0."""


class PolicyNetwork(Protocol):
    """A network with the interface of :func:`apply_actor`: an actor, or a Q-network that acts."""

    def apply(self, params: Any, /, *inputs: Any) -> Any:
        """The hidden states after each step, and the policy of each step and agent."""


class Actor(nn.Module):
    """Observations to a policy, for every agent.

    Continuous actions are drawn from normal distributions whose standard deviations are parameters
    of their own, one for each number, which depend on nothing; they begin at 1.
    """

    settings: NetworkSettings
    actions: ActionSpace

    @nn.compact
    def __call__(
        self,
        hidden_state: PyTree,
        observations: Float[Array, "T *b N O"],
        available_actions: Bool[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Policy]:
        """Act for a stretch of time.

        Args:
            hidden_state: The agents' hidden states before the first step, [*b, N, ...].
            observations: Each agent's own observation.
            available_actions: The mask of the available actions, the others get probability 0; or
                of the action dimensions of each agent, the others stay 0.
            resets: True where a step begins an episode.

        Returns:
            The hidden states after each step, [T, *b, N, ...], and the policy of each step and
            agent.
        """
        network = agent_network(self.settings, observations, self.actions.size, POLICY_SCALE)
        hidden_states, outputs = over_time(network, hidden_state, observations, resets)
        return hidden_states, self._policy(outputs, available_actions)

    def _policy(
        self, outputs: Float[Array, "*b N A"], available_actions: Bool[Array, "*b N A"]
    ) -> Policy:
        if isinstance(self.actions, DiscreteActions):
            return CategoricalPolicy(jnp.where(available_actions, outputs, UNAVAILABLE_LOGIT))
        agents = () if self.settings.share_parameters else (outputs.shape[-2],)
        shape = (*agents, self.actions.size)
        log_std = parameter(self, "log_std", nn.initializers.zeros, shape)
        return GaussianPolicy(
            mean=outputs,
            log_std=jnp.broadcast_to(log_std, outputs.shape),
            mask=available_actions,
            low=self.actions.low,
            high=self.actions.high,
            squash=self.settings.squash_actions,
        )


def apply_actor(
    actor: PolicyNetwork,
    params: Any,
    hidden_state: PyTree,
    observations: Float[Array, "T *b N O"],
    available_actions: Bool[Array, "T *b N A"],
    resets: Bool[Array, "T *b"],
) -> tuple[PyTree, Policy]:
    """:class:`Actor`, or a network that acts like it, with the given parameters."""
    result: Any = actor.apply(params, hidden_state, observations, available_actions, resets)
    hidden_states, policy = result
    return hidden_states, policy


def agent_network(
    settings: NetworkSettings, observations: Float[Array, "T *b N O"], outputs: int, scale: float
) -> Network:
    """The network over the agents' own observations; called in a compact module.

    Args:
        settings: The network's shape.
        observations: The observations, of which only the shape is used.
        outputs: The number of outputs of an agent.
        scale: Scale of the last layer at the start.
    """
    agents = observations.ndim - 2
    network = (
        Network
        if settings.share_parameters
        else network_per_agent(agents, observations.shape[agents], inputs_axes=agents)
    )
    encoder = ObservationEncoder(settings, parent=None)
    return network(settings, encoder, outputs, scale, name="network")


class ObservationEncoder(nn.Module):
    """The first layers over the agents' own observations."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, observations: Float[Array, "*b O"]) -> Float[Array, "*b H"]:
        """Each agent's features."""
        settings = self.settings
        encoder = make_encoder(settings, settings.hidden_size, name="observation")
        embedding = encoder(as_numbers(observations))
        if settings.actor_agent_id and settings.share_parameters:
            embedding = add_agent_embedding(embedding)
        return activate(embedding, settings)


def add_agent_embedding(features: Float[Array, "*b N H"]) -> Float[Array, "*b N H"]:
    """Add to a dense layer's output its share of a one-hot agent id; called in a compact module."""
    num_agents, size = features.shape[-2:]
    table = nn.Embed(num_agents, size, embedding_init=HIDDEN_INITIALISER, name="agent_id")
    rows = features.reshape(-1, num_agents * size)
    return add_to_rows(rows, table(jnp.arange(num_agents)).reshape(-1)).reshape(features.shape)
