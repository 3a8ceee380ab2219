"""What an environment is to this library: stacked agent arrays, no auto-reset, an honest last step.

One environment is unbatched; the library maps it over environments. A step never resets: it returns
the true successor, and says apart whether the episode *terminated* (no future value) or was
*truncated* (a time limit; the future has value still). :func:`auto_reset_step` does the resetting,
and keeps the successor.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

EnvironmentState = Any
"""The environment's own state: any pytree of arrays."""


@dataclass(frozen=True)
class DiscreteActions:
    """Each agent picks one of ``size`` actions."""

    size: int

    @property
    def dtype(self) -> jnp.dtype:
        """The smallest type that holds every action's number, and the number of actions."""
        small = self.size <= jnp.iinfo(jnp.int8).max
        return jnp.dtype(jnp.int8 if small else jnp.int32)


@dataclass(frozen=True)
class ContinuousActions:
    """Each agent sets ``size`` real numbers, each within the same bounds.

    What lies outside the bounds is clipped to them by the environment. An agent with fewer numbers
    than the largest has the rest masked (:attr:`Observation.available_actions`), and they have no
    effect.
    """

    size: int
    low: float = -1.0
    high: float = 1.0


ActionSpace = DiscreteActions | ContinuousActions

Actions = Int[Array, "*b N"] | Float[Array, "*b N A"]
"""A joint action: the number of each agent's action, or each agent's A real numbers."""


@dataclass(frozen=True)
class EnvironmentSpec:
    """The sizes a learner needs to know before the first reset.

    Attributes:
        name: The task's name, such as ``smax/3m``.
        num_agents: Number N of agents in the team.
        observation_size: Length O of one agent's observation.
        state_size: Length S of the global state.
        actions: The action space, of size A, the same for every agent (smaller ones are masked).
        max_episode_steps: The time limit, or None where episodes have none.
        metrics: Names of the episode outcomes in :attr:`Step.outcomes`, such as ``("win_rate",)``.
            Their value at an episode's last step is the episode's; the first is the headline of
            reports, and without any the episode return is.
        agent_rewards: Whether a step pays each agent a reward of its own, [N], instead of one
            reward to the team.
    """

    name: str
    num_agents: int
    observation_size: int
    state_size: int
    actions: ActionSpace
    max_episode_steps: int | None
    metrics: tuple[str, ...] = ()
    agent_rewards: bool = False


@struct.dataclass
class Observation:
    """What can be seen at one moment, by the agents and by the critic.

    Leading axes, where there are any, are time and environments: ``[T, E, ...]``.

    Attributes:
        observations: Each agent's own observation, [N, O].
        state: The global state, [S].
        available_actions: Which actions each agent may take, or which of its A real numbers have an
            effect, [N, A].
        alive: Which agents can still act at all, [N].
    """

    observations: Float[Array, "*b N O"]
    state: Float[Array, "*b S"]
    available_actions: Bool[Array, "*b N A"]
    alive: Bool[Array, "*b N"]


@struct.dataclass
class Step:
    """What one environment step led to.

    Attributes:
        observation: The true successor, before any reset.
        actions: The joint action as it was carried out, [N] or [N, A]; a wrapper may have replaced
            what was asked for.
        reward: The team reward, [], or a reward for each agent, [N], where
            :attr:`EnvironmentSpec.agent_rewards` says so.
        terminated: The episode ended for good, [].
        truncated: The episode was cut off by a time limit and did not terminate, [].
        outcomes: One number for each of :attr:`EnvironmentSpec.metrics`, read at an episode's last
            step.
        forced: Which agents had their action replaced by a wrapper on this step, [N].
    """

    observation: Observation
    actions: Actions
    reward: Float[Array, "*b"] | Float[Array, "*b N"]
    terminated: Bool[Array, "*b"]
    truncated: Bool[Array, "*b"]
    outcomes: dict[str, Float[Array, "*b"]]
    forced: Bool[Array, "*b N"]

    @property
    def boundary(self) -> Bool[Array, "*b"]:
        """Whether the episode ended here, for whichever reason."""
        return self.terminated | self.truncated

    @property
    def team_reward(self) -> Float[Array, "*b"]:
        """The team reward: the mean over agents, where each has a reward of its own."""
        per_agent = self.reward.ndim > self.terminated.ndim
        return self.reward.mean(-1) if per_agent else self.reward


@runtime_checkable
class Environment(Protocol):
    """The interface of every environment: pure functions, ready for ``jit`` and ``vmap``."""

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode."""

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Make one transition; never resets."""


def auto_reset_step(
    environment: Environment,
    key: PRNGKeyArray,
    state: EnvironmentState,
    actions: Actions,
) -> tuple[EnvironmentState, Observation, Step]:
    """Step, and begin a new episode where this one ended.

    Returns:
        The state and the observation to act on next (of a new episode after a boundary), and the
        step itself, whose ``observation`` is the true successor even when a reset followed.
    """
    step_key, reset_key = jax.random.split(key)
    successor, step = environment.step(step_key, state, actions)
    fresh = environment.reset(reset_key)
    next_state, next_observation = jax.tree.map(
        lambda new, old: jnp.where(step.boundary, new, old), fresh, (successor, step.observation)
    )
    return next_state, next_observation, step
