"""Control methods: the paper's method with one of its parts taken away."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array

from gpae.environments.environment import Actions, EnvironmentSpec, Observation
from gpae.methods import Gpae, UpdateSettings, register_method
from gpae.methods.method import Table1Row
from gpae.methods.networks import LearnedNetwork, ValueNetwork
from gpae.networks import CriticInputs, NetworkSettings, Policy

ENVIRONMENT_AXIS = -3
"""The axis of environments in joint actions, [T, *b, E, N, A]."""


@register_method
@dataclass
class MisplacedActionsGpae(Gpae):
    """GPAE whose critic sees the others' actions of another environment at the same step.

    The critic keeps its size and inputs, but its a^-i tells nothing about this environment. The
    paper's release comes close to it: it merges axes in the wrong order, so that most of a^-i is of
    other environments.
    """

    name: str = "gpae_misplaced_actions"

    table1: ClassVar[Table1Row] = replace(
        Gpae.table1, source="A control of gpae", note="its critic sees actions of elsewhere"
    )
    defaults: ClassVar[Mapping[str, Any]] = Gpae.defaults

    def networks(
        self, spec: EnvironmentSpec, network: NetworkSettings, update: UpdateSettings
    ) -> dict[str, LearnedNetwork]:
        """The critic alone."""
        critic = self.critic(spec.actions)
        return {"critic": MisplacedActionsCritic("critic", critic, network, update)}


@dataclass(frozen=True)
class MisplacedActionsCritic(ValueNetwork):
    """A critic that is given the joint actions of the environment before each one in the batch."""

    def inputs(
        self, observation: Observation, policy: Policy, summary: Array, actions: Actions
    ) -> CriticInputs:
        """The inputs, with the actions of the environment before; of the last for the first."""
        inputs = super().inputs(observation, policy, summary, actions)
        misplaced = jnp.roll(inputs.action_features, 1, ENVIRONMENT_AXIS)
        return replace(inputs, action_features=misplaced)
