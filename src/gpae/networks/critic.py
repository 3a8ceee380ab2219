"""The centralised critic: values of the state, of observations and of the joint action."""

from dataclasses import dataclass
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, PyTree

from gpae.environments.environment import ActionSpace, DiscreteActions
from gpae.kernels.blocks import over_time
from gpae.kernels.joint_actions import joint_action_rows
from gpae.networks.actor import add_agent_embedding
from gpae.networks.attention import UnitActionAttention
from gpae.networks.encoders import make_encoder
from gpae.networks.layers import Dense, Hidden, JointActionLayer, activate, as_numbers
from gpae.networks.network import Network, network_per_agent
from gpae.networks.settings import NetworkSettings

OWN_SLOTS = ("policy", "zeros")
"""The contents of an agent's own action slot that a user may choose."""

VALUE_SCALE = 0.01
"""Scale of the last layer at the start: values begin near 0, not at a random constant.

Clipping lets a value move by little an iteration, so a constant of the size of 1 would take several
iterations to unlearn, during which every advantage is wrong.
"""


@dataclass(frozen=True)
class CriticSpec:
    """A critic's inputs and outputs.

    Attributes:
        per_agent: One output for each agent; else one for the team.
        agent_id: Whether the agents' outputs are told apart by an agent id.
        state: Whether it is given the global state.
        own_observation: Whether agent i's output is given agent i's observation.
        others_actions: Whether agent i's output is given the other agents' actions a^-i.
        own_slot: The content of the own action's slot among them: ``policy`` (the probabilities,
            or the mean), ``zeros``, or ``action``, the action taken.
        action_values: Give one value for each of the agent's own actions, instead of one value.
        values_per_action: Number of values for each of them, one action's beside each other.
    """

    per_agent: bool
    agent_id: bool = True
    state: bool = True
    own_observation: bool = False
    others_actions: bool = False
    own_slot: str = "policy"
    action_values: bool = False
    values_per_action: int = 1

    @classmethod
    def of_joint_action(
        cls, actions: ActionSpace, *, own_observation: bool = False
    ) -> "CriticSpec":
        """Q(s, a): one for each own action where actions are discrete, else of the one given."""
        discrete = isinstance(actions, DiscreteActions)
        return cls(
            per_agent=True,
            own_observation=own_observation,
            others_actions=True,
            own_slot="zeros" if discrete else "action",
            action_values=discrete,
        )

    def values_per_state(self, num_agents: int) -> int:
        """The number C of outputs for one state: N, or 1 for the team."""
        return num_agents if self.per_agent else 1

    @property
    def depends_on_own_action(self) -> bool:
        """Dependence of the outputs for agent i on agent i's own action."""
        return self.action_values or self.own_slot == "action"

    def own_features(
        self, summary: Float[Array, "*b N A"], action_features: Float[Array, "*b N A"]
    ) -> Float[Array, "*b N A"]:
        """The contents of the own slots.

        Args:
            summary: The policies, as :meth:`Policy.summary` has them.
            action_features: The actions taken, as :meth:`Policy.features` has them.
        """
        match self.own_slot:
            case "policy":
                return summary
            case "action":
                return action_features
            case "zeros":
                return jnp.zeros_like(action_features)
        raise ValueError(f"own_slot: {self.own_slot!r} is unknown")


@struct.dataclass
class CriticInputs:
    """Inputs of every critic at T steps; each reads those that its spec names.

    Attributes:
        state: The global state, [T, *b, S].
        observations: The agents' own observations, [T, *b, N, O].
        action_features: The agents' actions as :meth:`Policy.features` has them, [T, *b, N, A].
        own_features: The contents of the own action slots, [T, *b, N, A].
    """

    state: Float[Array, "T *b S"]
    observations: Float[Array, "T *b N O"]
    action_features: Float[Array, "T *b N A"]
    own_features: Float[Array, "T *b N A"]

    def __getitem__(self, index: Any) -> "CriticInputs":
        """The inputs at one place of the leading axis, or with a new axis in front."""
        return jax.tree.map(lambda leaf: leaf[index], self)


@struct.dataclass
class AgentCriticInputs:
    """One agent's share of :class:`CriticInputs`, or with an axis of the agents those of each.

    Attributes:
        state: The global state, [T, *b, S].
        observations: The agent's own observation, [T, *b, O].
        joint_action: The others' actions and the own slot, [T, *b, N A].
    """

    state: Float[Array, "T *b S"]
    observations: Float[Array, "T *b O"]
    joint_action: Float[Array, "T *b NA"]

    @classmethod
    def of_each(cls, inputs: CriticInputs) -> "AgentCriticInputs":
        """Those of each agent, [T, *b, N, ...], but for the state."""
        joint_action = joint_action_rows(inputs.action_features, inputs.own_features)
        return cls(inputs.state, inputs.observations, joint_action)

    @classmethod
    def axes(cls, agents: int) -> Any:
        """The axes of the agents in :meth:`of_each`, which is ``agents`` but none for the state."""
        make: Any = cls
        return make(state=None, observations=agents, joint_action=agents)


class CriticEncoder(nn.Module):
    """The critic's first layers: one over everything, or two embeddings and one that joins them.

    The embeddings of state, observation, id and actions add up before an activation, so what agents
    share of them is computed once an environment and not once an agent.
    """

    settings: NetworkSettings
    spec: CriticSpec

    @nn.compact
    def __call__(self, inputs: Any) -> Float[Array, "*b C H"]:
        """The features of each of the critic's outputs.

        Args:
            inputs: The inputs of all agents.
        """
        embeddings = [self._seen(inputs)]
        if self.spec.others_actions:
            embeddings.append(self._joint_action(inputs))
        if not self.settings.critic_embedding_size:
            return activate(sum(embeddings[1:], start=embeddings[0]), self.settings)
        activated = [activate(embedding, self.settings) for embedding in embeddings]
        joined = Hidden(self.settings, self.settings.hidden_size)
        return joined(jnp.concatenate(activated, axis=-1))

    def _seen(self, inputs: CriticInputs) -> Float[Array, "*b C H"]:
        """The embedding of state, own observation and agent id."""
        spec, parts = self.spec, []
        if spec.state:
            parts.append(self._encoded("state", inputs.state)[..., None, :])
        if spec.own_observation:
            parts.append(self._encoded("observation", inputs.observations))
        seen = sum(parts[1:], start=parts[0])
        outputs = spec.values_per_state(inputs.action_features.shape[-2])
        seen = jnp.broadcast_to(seen, (*seen.shape[:-2], outputs, seen.shape[-1]))
        return add_agent_embedding(seen) if spec.per_agent and spec.agent_id else seen

    def _joint_action(self, inputs: CriticInputs) -> Float[Array, "*b N H"]:
        if self.settings.critic_actions == "attention":
            attention = UnitActionAttention(self._embedding_size, name="joint_action")
            return attention(inputs.observations, inputs.action_features, inputs.own_features)
        layer = JointActionLayer(self._embedding_size, name="joint_action")
        return layer(inputs.action_features, inputs.own_features)

    def _encoded(self, name: str, inputs: Float[Array, "*b F"]) -> Float[Array, "*b H"]:
        return make_encoder(self.settings, self._embedding_size, name)(as_numbers(inputs))

    @property
    def _embedding_size(self) -> int:
        return self.settings.critic_embedding_size or self.settings.hidden_size


class AgentCriticEncoder(CriticEncoder):
    """:class:`CriticEncoder` of one agent, whose inputs are :class:`AgentCriticInputs`."""

    def _seen(self, inputs: Any) -> Float[Array, "*b H"]:
        spec, parts = self.spec, []
        if spec.state:
            parts.append(self._encoded("state", inputs.state))
        if spec.own_observation:
            parts.append(self._encoded("observation", inputs.observations))
        return sum(parts[1:], start=parts[0])

    def _joint_action(self, inputs: Any) -> Float[Array, "*b H"]:
        layer = Dense(self._embedding_size, use_bias=False, name="joint_action")
        return layer(inputs.joint_action)


class Critic(nn.Module):
    """The inputs that a :class:`CriticSpec` names, to values."""

    settings: NetworkSettings
    spec: CriticSpec

    @nn.compact
    def __call__(
        self,
        hidden_state: PyTree,
        inputs: CriticInputs,
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Float[Array, "T *b C"] | Float[Array, "T *b C A"]]:
        """Evaluate a stretch of time.

        Args:
            hidden_state: The critic's hidden states before the first step, [*b, C, ...].
            inputs: The inputs.
            resets: True where a step begins an episode.

        Returns:
            The hidden states after each step, and the values of each step.
        """
        separate = self.spec.per_agent and not self.settings.share_parameters
        network = self._network_per_agent(inputs) if separate else self._network(inputs)
        given = AgentCriticInputs.of_each(inputs) if separate else inputs
        hidden_states, values = over_time(network, hidden_state, given, resets)
        return hidden_states, values if self.spec.action_values else values.squeeze(-1)

    def _network(self, inputs: CriticInputs) -> Network:
        encoder = CriticEncoder(self.settings, self.spec, parent=None)
        return Network(self.settings, encoder, self._outputs(inputs), VALUE_SCALE, name="network")

    def _network_per_agent(self, inputs: CriticInputs) -> Network:
        """The network with parameters of each agent's own."""
        agents = inputs.action_features.ndim - 2
        axes = AgentCriticInputs.axes(agents)
        network = network_per_agent(agents, inputs.action_features.shape[agents], axes)
        encoder = AgentCriticEncoder(self.settings, self.spec, parent=None)
        return network(self.settings, encoder, self._outputs(inputs), VALUE_SCALE, name="network")

    def _outputs(self, inputs: CriticInputs) -> int:
        actions = inputs.action_features.shape[-1] if self.spec.action_values else 1
        return actions * self.spec.values_per_action


def apply_critic(
    critic: Critic,
    params: Any,
    hidden_state: PyTree,
    inputs: CriticInputs,
    resets: Bool[Array, "T *b"],
) -> tuple[PyTree, Float[Array, "T *b C"] | Float[Array, "T *b C A"]]:
    """:class:`Critic` with the given parameters, as a typed function."""
    result: Any = critic.apply(params, hidden_state, inputs, resets)
    hidden_states, values = result
    return hidden_states, values
