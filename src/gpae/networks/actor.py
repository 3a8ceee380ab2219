"""The policy network, shared by all agents: each acts on its own observation."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.environments.environment import ActionSpace, DiscreteActions
from gpae.networks.acting import PolicyNetwork
from gpae.networks.core import Core, activate
from gpae.networks.dense import Dense, add_to_rows
from gpae.networks.initialisers import HIDDEN_INITIALISER
from gpae.networks.parameters import parameter
from gpae.networks.policies import (
    UNAVAILABLE_LOGIT,
    CategoricalPolicy,
    GaussianPolicy,
    Policy,
)
from gpae.networks.settings import NetworkSettings

POLICY_SCALE = 0.01
"""Scale of the last layer at the start: policies begin nearly uniform, or with means near 0."""


class Actor(nn.Module):
    """Observations to a policy, for every agent with the same parameters.

    Real numbers are drawn from normal distributions whose standard deviations are parameters of
    their own, one for each number, which depend on nothing; they begin at 1.
    """

    settings: NetworkSettings
    actions: ActionSpace

    @nn.compact
    def __call__(
        self,
        hidden_state: Float[Array, "*b N M"],
        observations: Float[Array, "T *b N O"],
        available_actions: Bool[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b N M"], Policy]:
        """Act for a stretch of time.

        Args:
            hidden_state: The agents' hidden states before the first step.
            observations: Each agent's own observation.
            available_actions: Which actions may be taken, the others get probability 0; or which
                real numbers an agent has, the others stay 0.
            resets: True where a step begins an episode.

        Returns:
            The hidden states after each step, and the policy of each step and agent.
        """
        encoder = AgentEncoder(self.settings)
        core = Core(self.settings, encoder, self.actions.size, POLICY_SCALE)
        hidden_states, outputs = core(hidden_state, observations, resets)
        return hidden_states, self._policy(outputs, available_actions)

    def _policy(
        self, outputs: Float[Array, "*b N A"], available_actions: Bool[Array, "*b N A"]
    ) -> Policy:
        if isinstance(self.actions, DiscreteActions):
            return CategoricalPolicy(jnp.where(available_actions, outputs, UNAVAILABLE_LOGIT))
        log_std = parameter(self, "log_std", nn.initializers.zeros, (self.actions.size,))
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
    hidden_state: Float[Array, "*b N M"],
    observations: Float[Array, "T *b N O"],
    available_actions: Bool[Array, "T *b N A"],
    resets: Bool[Array, "T *b"],
) -> tuple[Float[Array, "T *b N M"], Policy]:
    """:class:`Actor`, or what acts like it, with the given parameters, as a typed function."""
    result: Any = actor.apply(params, hidden_state, observations, available_actions, resets)
    hidden_states, policy = result
    return hidden_states, policy


class AgentEncoder(nn.Module):
    """The first layers of what acts on an agent's own observations."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, observations: Float[Array, "*b N O"]) -> Float[Array, "*b N H"]:
        """Each agent's features."""
        settings = self.settings
        if settings.layer_norm:
            observations = nn.LayerNorm()(observations)
        embedding = Dense(settings.hidden_size)(observations)
        if settings.actor_agent_id:
            embedding = add_agent_embedding(embedding)
        return activate(embedding, settings)


def add_agent_embedding(features: Float[Array, "*b N H"]) -> Float[Array, "*b N H"]:
    """Add what a one-hot agent id adds to a dense layer's output; called in a compact module."""
    num_agents, size = features.shape[-2:]
    table = nn.Embed(num_agents, size, embedding_init=HIDDEN_INITIALISER, name="agent_id")
    rows = features.reshape(-1, num_agents * size)
    return add_to_rows(rows, table(jnp.arange(num_agents)).reshape(-1)).reshape(features.shape)
