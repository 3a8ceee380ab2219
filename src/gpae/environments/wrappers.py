"""Wrappers: environments made of another environment."""

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
from gpae.errors import UserError

_FORCING_STREAM = 0x666F7263
"""Folded into the step's key for the wrapper's own draws; far from the small numbers of a split."""


@struct.dataclass
class ForcedStopState:
    """The inner environment's state, and who was alive when it was reached.

    Attributes:
        inner: The wrapped environment's own state.
        alive: Which agents can act, [N].
    """

    inner: EnvironmentState
    alive: Bool[Array, "*b N"]


@dataclass(frozen=True)
class ForcedStop:
    """With some probability per step, one living agent's action is replaced by a given one.

    This is the anomaly of section 3.1 of the paper: "5% probability that one agent performs a
    'stop' action". The agent is drawn uniformly from the living: dead ones never are, and at most
    one is a step. :attr:`Step.forced` marks the agent that was drawn, even where it had chosen the
    very action it was forced into.

    The wrapped environment receives the step's key untouched, so that with probability 0 every
    transition is exactly the one without the wrapper.

    Attributes:
        environment: The environment to wrap.
        probability: Probability per step that an agent is forced.
        action: The action that is forced; 4 is SMAX's stop.

    Raises:
        UserError: If the probability is not in [0, 1], or the environment has no such action or no
            numbered actions at all.
    """

    environment: Environment
    probability: float = 0.05
    action: int = 4

    def __post_init__(self) -> None:
        if not 0.0 <= self.probability <= 1.0:
            raise UserError(f"probability must be between 0 and 1, not {self.probability!r}")
        space = self.environment.spec.actions
        if not isinstance(space, DiscreteActions):
            raise UserError(f"{self.environment.spec.name} has no actions to force by number")
        size = space.size
        if not 0 <= self.action < size:
            raise UserError(f"action must be from 0 to {size - 1}, not {self.action!r}")

    @property
    def spec(self) -> EnvironmentSpec:
        """The wrapped environment's own."""
        return self.environment.spec

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode of the wrapped environment."""
        inner, observation = self.environment.reset(key)
        return ForcedStopState(inner=inner, alive=observation.alive), observation

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Draw who is forced, if anyone, and step the wrapped environment with what results."""
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
    """Mark one living agent with the given probability, and nobody otherwise."""
    whether_key, who_key = jax.random.split(key)
    whether = jax.random.bernoulli(whether_key, probability)
    who = jax.random.categorical(who_key, jnp.where(alive, 0.0, -jnp.inf))
    return whether & alive & (jnp.arange(alive.shape[-1]) == who)
