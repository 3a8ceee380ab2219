"""Environment wrappers."""

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, PRNGKeyArray

from gpae.environments.environment import (
    Actions,
    DiscreteActions,
    Environment,
    EnvironmentSpec,
    EnvironmentState,
    Observation,
    Step,
)
from gpae.environments.host import require_in_jax
from gpae.errors import UserError

_FORCING_STREAM = 0x666F7263
"""Constant folded into the step's key for the wrapper's own random draws."""


@struct.dataclass
class ForcedStopState:
    """State of the wrapped environment with its mask of living agents.

    Attributes:
        inner: The wrapped environment's own state.
        alive: True for agents that can act, [N].
    """

    inner: EnvironmentState
    alive: Bool[Array, "*b N"]


@dataclass(frozen=True)
class ForcedStop:
    """Wrapper that, with a given probability per step, forces one living agent to a given action.

    This is the anomaly of section 3.1 of the paper: "5% probability that one agent performs a
    'stop' action". The agent is drawn uniformly from the living ones; at most one agent is forced
    on a step, and a dead one never. :attr:`Step.forced` marks the drawn agent, even if it had
    chosen the forced action itself.

    The wrapped environment receives the step's key unchanged, so that with probability 0 every
    transition is exactly the one without the wrapper.

    Attributes:
        environment: The environment to wrap.
        probability: Probability per step that an agent is forced.
        action: Index of the forced action; 4 is SMAX's stop action.

    Raises:
        UserError: If the probability is not in [0, 1], the environment's actions are continuous, or
            it has no such action, or its episodes run on the host.
    """

    environment: Environment
    probability: float = 0.05
    action: int = 4

    def __post_init__(self) -> None:
        require_in_jax(self.environment, "ForcedStop steps one environment at a time")
        if not 0.0 <= self.probability <= 1.0:
            raise UserError(f"probability must be between 0 and 1, not {self.probability!r}")
        space = self.environment.spec.actions
        if not isinstance(space, DiscreteActions):
            name = self.environment.spec.name
            raise UserError(f"{name} has continuous actions: only discrete ones can be forced")
        size = space.size
        if not 0 <= self.action < size:
            raise UserError(f"action must be from 0 to {size - 1}, not {self.action!r}")

    @property
    def spec(self) -> EnvironmentSpec:
        """Spec of the wrapped environment."""
        return self.environment.spec

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode of the wrapped environment."""
        inner, observation = self.environment.reset(key)
        return ForcedStopState(inner=inner, alive=observation.alive), observation

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Draw the forced agent, if any, and step the wrapped environment with the joint action."""
        forced = _draw_forced(
            jax.random.fold_in(key, _FORCING_STREAM), state.alive, self.probability
        )
        inner, step = self.environment.step(
            key, state.inner, jnp.where(forced, self.action, actions)
        )
        return (
            ForcedStopState(inner=inner, alive=step.observation.alive),
            replace(step, forced=step.forced | forced),
        )


def _draw_forced(
    key: PRNGKeyArray, alive: Bool[Array, " N"], probability: float
) -> Bool[Array, " N"]:
    """Mark one living agent with the given probability, and no agent otherwise."""
    event_key, agent_key = jax.random.split(key)
    occurs = jax.random.bernoulli(event_key, probability)
    agent = jax.random.categorical(agent_key, jnp.where(alive, 0.0, -jnp.inf))
    return occurs & alive & (jnp.arange(alive.shape[-1]) == agent)
