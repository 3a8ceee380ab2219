"""The centralised critic: a state value, or per-agent values of state and the others' actions."""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from gpae.networks.actor import agent_embedding
from gpae.networks.core import HIDDEN_INITIALISER, Core, Head, Hidden, activate
from gpae.networks.settings import NetworkSettings

OWN_SLOTS = ("probabilities", "zeros")

VALUE_SCALE = 0.01
"""Scale of the last layer at the start: values begin near 0, not at a random constant.

Clipping lets a value move by little an iteration, so a constant of the size of 1 would take several
iterations to unlearn, during which every advantage is wrong.
"""


@dataclass(frozen=True)
class CriticInputs:
    """What a method's critic may look at besides the state.

    Attributes:
        per_agent: One value for each agent, told apart by an agent id; else one for the team.
        others_actions: Whether agent i's value is given the other agents' actions a^-i.
        own_slot: What stands in the own action's place: the policy's probabilities, or zeros. Never
            the action taken.
    """

    per_agent: bool
    others_actions: bool = False
    own_slot: str = "probabilities"

    def values_per_state(self, num_agents: int) -> int:
        """The number C of values the critic gives for one state: N, or 1 for the team."""
        return num_agents if self.per_agent else 1


class Critic(nn.Module):
    """State, agent id and the others' actions to values.

    The first layer is linear in state, id and actions, so its share of the state is computed once
    an environment and not once an agent.
    """

    settings: NetworkSettings
    inputs: CriticInputs

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "*b C M"],
        state: Float[Array, "T *b S"],
        action_features: Float[Array, "T *b N A"],
        probabilities: Float[Array, "T *b N A"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b C M"], Float[Array, "T *b C"]]:
        """Value a stretch of time.

        Args:
            memory: The critic's memories before the first step.
            state: The global state.
            action_features: The joint action taken, one-hot.
            probabilities: Each agent's own policy there, for the own slot.
            resets: True where a step begins an episode.

        Returns:
            The memories after each step, and the C values of each step.
        """
        settings = self.settings
        embedding = self._state_embedding(state, num_agents=action_features.shape[-2])
        if self.inputs.others_actions:
            joint = self._joint_action_embedding(action_features, probabilities)
            if settings.critic_embedding_size:
                parts = activate(embedding, settings), activate(joint, settings)
                features = Hidden(settings, settings.hidden_size)(jnp.concatenate(parts, axis=-1))
            else:
                features = activate(embedding + joint, settings)
        else:
            features = activate(embedding, settings)
            if settings.critic_embedding_size:
                features = Hidden(settings, settings.hidden_size)(features)
        resets = jnp.broadcast_to(resets[..., None], features.shape[:-1])
        memories, features = Core(settings)(memory, features, resets)
        return memories, Head(settings, 1, scale=VALUE_SCALE)(features).squeeze(-1)

    @property
    def _embedding_size(self) -> int:
        return self.settings.critic_embedding_size or self.settings.hidden_size

    def _state_embedding(
        self, state: Float[Array, "*b S"], num_agents: int
    ) -> Float[Array, "*b C H"]:
        if self.settings.layer_norm:
            state = nn.LayerNorm(name="state_norm")(state)
        embedding = nn.Dense(
            self._embedding_size, kernel_init=HIDDEN_INITIALISER, name="state_embedding"
        )(state)[..., None, :]
        if self.inputs.per_agent:
            embedding = embedding + agent_embedding(num_agents, self._embedding_size)
        return embedding

    def _joint_action_embedding(
        self, action_features: Float[Array, "*b N A"], probabilities: Float[Array, "*b N A"]
    ) -> Float[Array, "*b N H"]:
        own = probabilities if self.inputs.own_slot == "probabilities" else None
        return nn.Dense(
            self._embedding_size,
            kernel_init=HIDDEN_INITIALISER,
            use_bias=False,
            name="action_embedding",
        )(joint_action_inputs(action_features, own))


def apply_critic(
    critic: Critic,
    parameters: Any,
    memory: Float[Array, "*b C M"],
    state: Float[Array, "T *b S"],
    action_features: Float[Array, "T *b N A"],
    probabilities: Float[Array, "T *b N A"],
    resets: Bool[Array, "T *b"],
) -> tuple[Float[Array, "T *b C M"], Float[Array, "T *b C"]]:
    """:class:`Critic` with the given parameters, as a typed function."""
    result: Any = critic.apply(parameters, memory, state, action_features, probabilities, resets)
    memories, values = result
    return memories, values


def joint_action_inputs(
    action_features: Float[Array, "*b N A"], own: Float[Array, "*b N A"] | None
) -> Float[Array, "*b N NA"]:
    """What each critic sees of the joint action: the others' parts, ``own`` in its own slot.

    Args:
        action_features: Each agent's action taken, one-hot.
        own: What replaces agent i's own action in its row; zeros where None.

    Returns:
        One row an agent, agent j's part in columns j A .. (j + 1) A - 1.
    """
    num_agents = action_features.shape[-2]
    own_slot = jnp.eye(num_agents, dtype=bool)[..., None]
    replacement = 0.0 if own is None else own[..., :, None, :]
    rows = jnp.where(own_slot, replacement, action_features[..., None, :, :])
    return rows.reshape(*rows.shape[:-2], -1)
