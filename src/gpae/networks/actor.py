"""The policy: one network shared by all agents, acting on each agent's own observation."""

from typing import Any

import distrax
import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.networks.core import HIDDEN_INITIALISER, Core, Head, activate
from gpae.networks.settings import NetworkSettings

UNAVAILABLE_LOGIT = -1e10


class Actor(nn.Module):
    """Observations to a distribution over actions, for every agent with the same parameters."""

    settings: NetworkSettings
    num_actions: int

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "*b N M"],
        observations: Float[Array, "T *b N O"],
        available_actions: Bool[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b N M"], distrax.Categorical]:
        """Act for a stretch of time.

        Args:
            memory: The agents' memories before the first step.
            observations: Each agent's own observation.
            available_actions: Which actions may be taken; the others get probability 0.
            resets: True where a step begins an episode.

        Returns:
            The memories after each step, and the policy of each step and agent.
        """
        settings = self.settings
        if settings.layer_norm:
            observations = nn.LayerNorm()(observations)
        embedding = nn.Dense(settings.hidden_size, kernel_init=HIDDEN_INITIALISER)(observations)
        if settings.actor_agent_id:
            embedding = embedding + agent_embedding(observations.shape[-2], settings.hidden_size)
        inputs = activate(embedding, settings)
        resets = jnp.broadcast_to(resets[..., None], inputs.shape[:-1])
        memories, features = Core(settings)(memory, inputs, resets)
        logits = Head(settings, self.num_actions, scale=0.01)(features)
        return memories, distrax.Categorical(
            logits=jnp.where(available_actions, logits, UNAVAILABLE_LOGIT)
        )


def apply_actor(
    actor: Actor,
    parameters: Any,
    memory: Float[Array, "*b N M"],
    observations: Float[Array, "T *b N O"],
    available_actions: Bool[Array, "T *b N A"],
    resets: Bool[Array, "T *b"],
) -> tuple[Float[Array, "T *b N M"], distrax.Categorical]:
    """:class:`Actor` with the given parameters, as a typed function."""
    result: Any = actor.apply(parameters, memory, observations, available_actions, resets)
    memories, policy = result
    return memories, policy


def agent_embedding(num_agents: int, size: int) -> Float[Array, "N size"]:
    """What a one-hot agent id adds to a dense layer's output; called inside a compact module."""
    return nn.Embed(num_agents, size, embedding_init=HIDDEN_INITIALISER, name="agent_id")(
        jnp.arange(num_agents)
    )


def sample(keys: PRNGKeyArray, policy: distrax.Categorical, axis: int = 0) -> Int[Array, "*b N"]:
    """Sample actions with one key an environment, so that no environment's draw depends on another.

    Args:
        keys: One key for each environment, [E].
        policy: The policy, whose logits have environments on ``axis``.
        axis: Where the environments are.
    """

    def draw(key: PRNGKeyArray, logits: Float[Array, "*c A"]) -> Int[Array, "*c"]:
        return distrax.Categorical(logits=logits).sample(seed=key)

    return jax.vmap(draw, in_axes=(0, axis), out_axes=axis)(keys, policy.logits)
