"""The policy network, shared by all agents: each acts on its own observation."""

from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.environments.environment import ActionSpace, DiscreteActions
from gpae.networks.acting import PolicyNetwork
from gpae.networks.core import Core, activate
from gpae.networks.dense import dense
from gpae.networks.initialisers import HIDDEN_INITIALISER
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
        memory: Float[Array, "*b N M"],
        observations: Float[Array, "T *b N O"],
        available_actions: Bool[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b N M"], Policy]:
        """Act for a stretch of time.

        Args:
            memory: The agents' memories before the first step.
            observations: Each agent's own observation.
            available_actions: Which actions may be taken, the others get probability 0; or which
                real numbers an agent has, the others stay 0.
            resets: True where a step begins an episode.

        Returns:
            The memories after each step, and the policy of each step and agent.
        """
        core = Core(self.settings, self.actions.size, scale=POLICY_SCALE)
        features = agent_features(self.settings, observations)
        memories, outputs = core(memory, features, of_agents(resets, features))
        return memories, self._policy(outputs, available_actions)

    def _policy(
        self, outputs: Float[Array, "*b N A"], available_actions: Bool[Array, "*b N A"]
    ) -> Policy:
        if isinstance(self.actions, DiscreteActions):
            return CategoricalPolicy(jnp.where(available_actions, outputs, UNAVAILABLE_LOGIT))
        log_std = self.param("log_std", nn.initializers.zeros, (self.actions.size,))
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
    parameters: Any,
    memory: Float[Array, "*b N M"],
    observations: Float[Array, "T *b N O"],
    available_actions: Bool[Array, "T *b N A"],
    resets: Bool[Array, "T *b"],
) -> tuple[Float[Array, "T *b N M"], Policy]:
    """:class:`Actor`, or what acts like it, with the given parameters, as a typed function."""
    result: Any = actor.apply(parameters, memory, observations, available_actions, resets)
    memories, policy = result
    return memories, policy


def agent_features(
    settings: NetworkSettings, observations: Float[Array, "*b N O"]
) -> Float[Array, "*b N H"]:
    """What each agent makes of its own observations; called inside a compact module."""
    if settings.layer_norm:
        observations = nn.LayerNorm()(observations)
    embedding = dense(settings.hidden_size)(observations)
    if settings.actor_agent_id:
        embedding = embedding + agent_embedding(observations.shape[-2], settings.hidden_size)
    return activate(embedding, settings)


def of_agents(resets: Bool[Array, "*b"], features: Float[Array, "*b N H"]) -> Bool[Array, "*b N"]:
    """What is true of an environment is true of each of its agents."""
    return jnp.broadcast_to(resets[..., None], features.shape[:-1])


def agent_embedding(num_agents: int, size: int) -> Float[Array, "N size"]:
    """What a one-hot agent id adds to a dense layer's output; called inside a compact module."""
    return nn.Embed(num_agents, size, embedding_init=HIDDEN_INITIALISER, name="agent_id")(
        jnp.arange(num_agents)
    )
