"""Episodes continued from a state with a joint action that is given."""

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, PRNGKeyArray

from gpae.environments import (
    Actions,
    DiscreteActions,
    Environment,
    EnvironmentSpec,
    EnvironmentState,
    ForcedStop,
    Observation,
    Step,
)
from gpae.environments.wrappers import ForcedStopState
from gpae.networks import Policy


@struct.dataclass
class GivenState:
    """State of the wrapped environment with the joint action of its next step.

    Attributes:
        inner: The wrapped environment's own state.
        actions: The policy's own joint action, as a rollout records it.
        executed: The same as the environment carries it out.
        pending: Whether the next step is to carry it out.
    """

    inner: EnvironmentState
    actions: Actions
    executed: Actions
    pending: Bool[Array, "*b"]


@dataclass(frozen=True)
class GivenActions:
    """Wrapper whose first step from a :func:`give`-n state carries out the actions given there.

    That step marks every agent as forced, so that a rollout records the given actions, with their
    probabilities under the policy. Later steps, and those of later episodes, change nothing.

    Attributes:
        environment: The environment to wrap.
    """

    environment: Environment

    @property
    def spec(self) -> EnvironmentSpec:
        """Spec of the wrapped environment."""
        return self.environment.spec

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode of the wrapped environment, with no actions given."""
        inner, observation = self.environment.reset(key)
        spec = self.spec
        discrete = isinstance(spec.actions, DiscreteActions)
        shape = (spec.num_agents,) if discrete else (spec.num_agents, spec.actions.size)
        none = jnp.zeros(shape, jnp.int32 if discrete else jnp.float32)
        return GivenState(inner, none, none, jnp.array(False)), observation

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Step with the given actions where they are pending, else with those passed in."""
        carried_out = jnp.where(state.pending, state.executed, actions)
        inner, step = self.environment.step(key, state.inner, carried_out)
        return replace(state, inner=inner, pending=jnp.array(False)), replace(
            step,
            actions=jnp.where(state.pending, state.actions, step.actions),
            forced=step.forced | state.pending,
        )


def with_given_actions(environment: Environment) -> Environment:
    """The environment under :class:`GivenActions`, and that under a wrapper that replaces actions.

    So given actions are carried out as they are, and a wrapper acts from the next step on.
    """
    if isinstance(environment, ForcedStop):
        return replace(environment, environment=with_given_actions(environment.environment))
    return GivenActions(environment)


def give(
    environment_state: EnvironmentState,
    policy: Policy,
    actions: Actions,
    pending: Bool[Array, "*b"],
) -> Any:
    """States of :func:`with_given_actions`' environment, with the joint action of the next step.

    Args:
        environment_state: States of the environment itself, [*b, ...].
        policy: The policies there, which say how actions are carried out, [*b, N, A].
        actions: The policy's own joint actions, [*b, N] or [*b, N, A].
        pending: Where to carry them out; elsewhere the policy acts.
    """
    if isinstance(environment_state, ForcedStopState):
        inner = give(environment_state.inner, policy, actions, pending)
        return replace(environment_state, inner=inner)
    discrete = jnp.issubdtype(actions.dtype, jnp.integer)
    actions = actions.astype(jnp.int32 if discrete else jnp.float32)
    return GivenState(environment_state, actions, policy.executed(actions), pending)
