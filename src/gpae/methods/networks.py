"""Networks that a method learns beside the actor, each with its loss."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from gpae.environments.environment import Actions, Observation
from gpae.methods.batch import Minibatch
from gpae.methods.losses import value_loss
from gpae.methods.settings import UpdateSettings
from gpae.networks import (
    Critic,
    CriticInputs,
    CriticSpec,
    NetworkSettings,
    Policy,
    apply_critic,
    initial_hidden_state,
)

Metrics = dict[str, Float[Array, ""]]
"""Scalars to log by name."""

Outputs = Float[Array, "*b C"] | Float[Array, "*b N A"]
"""A network's outputs: values, or a value for each own action of each agent."""


@dataclass(frozen=True)
class LearnedNetwork(ABC):
    """A network over the window with inputs named by a :class:`CriticSpec`, and its loss.

    A subclass adds its module, applies it and states its loss; the learner keeps the parameters,
    the optimiser's state and the hidden state by the network's name.

    Attributes:
        name: The network's name among those of its method; ``actor`` is the policy's.
        spec: The network's inputs, and the shape of its outputs.
    """

    name: str
    spec: CriticSpec

    @abstractmethod
    def init(self, key: PRNGKeyArray, inputs: CriticInputs) -> Any:
        """The first parameters.

        Args:
            key: The random key.
            inputs: Inputs of one step of one environment, [1, 1, ...].
        """

    @abstractmethod
    def apply(
        self,
        params: Any,
        hidden_state: PyTree,
        inputs: CriticInputs,
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Outputs]:
        """The hidden states after each of T steps, and the outputs, [T, *b, ...].

        Args:
            params: The parameters.
            hidden_state: The hidden state before the first step.
            inputs: The inputs.
            resets: True where a step begins an episode.
        """

    @abstractmethod
    def loss(self, params: Any, minibatch: Minibatch) -> tuple[Float[Array, ""], Metrics]:
        """The loss by these parameters, and metrics to log, as :meth:`Minibatch.mean` shares."""

    def initial_hidden_state(self, environments: int, agents: int) -> PyTree:
        """The hidden state at an episode's start, leaves [E, C, ...]; by default there is none."""
        del environments, agents
        return ()

    def inputs(
        self, observation: Observation, policy: Policy, summary: Array, actions: Actions
    ) -> CriticInputs:
        """The network's inputs.

        Args:
            observation: The observation at each step.
            policy: The policies there.
            summary: :meth:`Policy.summary` of them.
            actions: The joint actions.
        """
        features = policy.features(actions)
        return CriticInputs(
            state=observation.state,
            observations=observation.observations,
            action_features=features,
            own_features=self.spec.own_features(summary, features),
        )

    def values(self, outputs: Outputs, actions: Actions) -> Float[Array, "*b C"]:
        """The outputs themselves, or of action values those of the actions taken."""
        if not self.spec.action_values:
            return outputs
        return jnp.take_along_axis(outputs, actions[..., None], axis=-1).squeeze(-1)

    def predictions(self, values: Float[Array, "*b C"]) -> Float[Array, "*b K"]:
        """The predictions that its method's targets are of; by default the values themselves.

        Args:
            values: :meth:`values` of the actions taken.
        """
        return values

    def inputs_of(self, minibatch: Minibatch) -> CriticInputs:
        """The inputs at the steps of a minibatch."""
        batch = minibatch.batch
        return self.inputs(
            batch.steps.observation, batch.policy, batch.policy_summary, batch.steps.actions
        )


@dataclass(frozen=True)
class ValueNetwork(LearnedNetwork):
    """A critic regressed on the targets that its method estimates under its name (Eq. 10).

    Attributes:
        settings: The network's shape.
        update: Clipping, Huber's delta and the coefficient of the loss.
    """

    settings: NetworkSettings
    update: UpdateSettings

    @property
    def module(self) -> Critic:
        """The Flax module."""
        return Critic(self.settings, self.spec)

    def init(self, key: PRNGKeyArray, inputs: CriticInputs) -> Any:
        """The first parameters."""
        agents = inputs.action_features.shape[-2]
        hidden_state = self.initial_hidden_state(1, agents)
        return self.module.init(key, hidden_state, inputs, jnp.ones((1, 1), bool))

    def apply(
        self,
        params: Any,
        hidden_state: PyTree,
        inputs: CriticInputs,
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Outputs]:
        """The hidden states after each step, and the values."""
        return apply_critic(self.module, params, hidden_state, inputs, resets)

    def initial_hidden_state(self, environments: int, agents: int) -> PyTree:
        """The hidden state at an episode's start, leaves [E, C, ...]."""
        outputs = self.spec.values_per_state(agents)
        return initial_hidden_state(self.settings, environments, outputs)

    def loss(self, params: Any, minibatch: Minibatch) -> tuple[Float[Array, ""], Metrics]:
        """The value loss times its coefficient."""
        batch, update = minibatch.batch, self.update
        _, outputs = self.apply(
            params,
            minibatch.hidden_states[self.name],
            self.inputs_of(minibatch),
            batch.steps.first,
        )
        terms = value_loss(
            self.predictions(self.values(outputs, batch.steps.actions)),
            batch.values[self.name],
            batch.targets[self.name],
            update.clip if update.value_clip else None,
            update.huber_delta,
        )
        loss = minibatch.mean(terms)
        return update.value_coefficient * loss, {f"loss/{self.name}": loss}
