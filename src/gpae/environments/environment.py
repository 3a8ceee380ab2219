"""Environment protocol: stacked agent arrays, no auto-reset, termination apart from truncation.

One environment is unbatched; the library maps it over environments. A step never resets: it returns
the true successor, and reports separately whether the episode *terminated* (no future value) or was
*truncated* (a time limit; the future still has value). :func:`auto_reset_step` does the resetting,
and keeps the successor.
"""

from dataclasses import dataclass
from typing import Any, Protocol, Self, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.errors import UserError

EnvironmentState = Any
"""State of an environment: any pytree of arrays."""


@dataclass(frozen=True)
class DiscreteActions:
    """Discrete action space: each agent picks one of ``size`` actions.

    Raises:
        UserError: If ``size`` is not a whole number from 1 up.
    """

    size: int

    def __post_init__(self) -> None:
        _require_size(self.size, "actions")

    def joint_action(self, num_agents: int) -> jax.ShapeDtypeStruct:
        """The shape and type of a team's joint action."""
        return jax.ShapeDtypeStruct((num_agents,), jnp.int32)

    @property
    def dtype(self) -> jnp.dtype:
        """Smallest integer type that holds every action's index, and the number of actions."""
        small = self.size <= jnp.iinfo(jnp.int8).max
        return jnp.dtype(jnp.int8 if small else jnp.int32)


@dataclass(frozen=True)
class ContinuousActions:
    """Continuous action space: ``size`` action dimensions an agent, all within the same bounds.

    The environment clips actions to the bounds. An agent with fewer action dimensions than the
    largest has the remaining ones masked (:attr:`Observation.available_actions`); they have no
    effect.

    A bound may be infinite: actions are clipped to the other one, or carried out as they are drawn,
    from normal distributions that begin with mean near 0 and standard deviation 1. Squashed actions
    (``network.squash_actions=true``) need two finite bounds. Dimensions whose bounds differ are
    mapped to common ones by the environment.

    Raises:
        UserError: If ``size`` is not a whole number from 1 up, a bound is not a number, or ``low``
            is not less than ``high``.
    """

    size: int
    low: float = -1.0
    high: float = 1.0

    def __post_init__(self) -> None:
        _require_size(self.size, "action dimensions")
        try:
            low, high = float(self.low), float(self.high)
        except TypeError:
            raise UserError(
                "the bounds of continuous actions must be one number each for all dimensions, not "
                f"{self.low!r} and {self.high!r}"
            ) from None
        if not low < high:
            raise UserError(
                f"the bounds of continuous actions must be low < high, not low={low} and "
                f"high={high}"
            )
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)

    @property
    def is_bounded(self) -> bool:
        """Finite bounds, at a distance that is finite in single precision."""
        return abs(self.high - self.low) <= float(np.finfo(np.float32).max)

    def joint_action(self, num_agents: int) -> jax.ShapeDtypeStruct:
        """The shape and type of a team's joint action."""
        return jax.ShapeDtypeStruct((num_agents, self.size), jnp.float32)


def _require_size(size: object, things: str) -> None:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise UserError(f"the number of {things} must be a whole number from 1 up, not {size!r}")


ActionSpace = DiscreteActions | ContinuousActions

Actions = Int[Array, "*b N"] | Float[Array, "*b N A"]
"""A joint action: each agent's discrete action as an index, or its A continuous components."""


class Metric(str):
    """Name of an episode metric, with the direction in which it is better.

    It is a string, and a plain one in its place means that larger is better.

    Args:
        name: The metric's name.
        maximise: Whether larger is better; else smaller is, as for ``collisions``.
    """

    maximise: bool

    def __new__(cls, name: str, *, maximise: bool = True) -> Self:
        """A name that knows its direction."""
        metric = super().__new__(cls, name)
        metric.maximise = maximise
        return metric


@dataclass(frozen=True)
class EnvironmentSpec:
    """Sizes that a learner needs before the first reset.

    Attributes:
        name: The task's name, such as ``smax/3m``.
        num_agents: Number N of agents in the team.
        observation_size: Length O of one agent's observation.
        state_size: Length S of the global state.
        actions: The action space, of size A, shared by all agents; smaller ones are masked.
        max_episode_steps: The time limit in transitions; None for no time limit.
        metrics: Names of the episode metrics in :attr:`Step.outcomes`, such as ``("win_rate",)``.
            The value at an episode's last step counts for the episode. The first one is the
            headline of reports; the episode return is, where there are none. One that is better
            small is ``Metric(NAME, maximise=False)``.
        agent_rewards: Whether a step pays each agent a reward of its own, [N], instead of one
            reward to the team.
        shaped_rewards: Whether a step gives a shaped reward beside its reward
            (:attr:`Step.shaped_reward`), which ``rollout.shaping_steps`` adds in training.
        early_truncation: Whether episodes may be truncated before ``max_episode_steps`` too. False
            lets a learner keep fewer successors of truncated steps; training stops if one is lost.
        observation_shape: ``(H, W, C)`` if an observation is an image, whose H W C numbers row by
            row are then O; None if it is a vector.
        state_shape: The same of the global state, or ``(K, H, W, C)`` of K images in a row.
    """

    name: str
    num_agents: int
    observation_size: int
    state_size: int
    actions: ActionSpace
    max_episode_steps: int | None
    metrics: tuple[str, ...] = ()
    agent_rewards: bool = False
    shaped_rewards: bool = False
    early_truncation: bool = True
    observation_shape: tuple[int, ...] | None = None
    state_shape: tuple[int, ...] | None = None


@struct.dataclass
class Observation:
    """Observations of the agents and the critic's global state at one time step.

    Leading axes, if any, are time and environments: ``[T, E, ...]``.

    Attributes:
        observations: Each agent's own observation, [N, O].
        state: The global state, [S].
        available_actions: Action mask, [N, A]: True for the discrete actions an agent may take, or
            for the continuous action dimensions that it has.
        alive: True for agents that can still act, [N].
    """

    observations: Float[Array, "*b N O"]
    state: Float[Array, "*b S"]
    available_actions: Bool[Array, "*b N A"]
    alive: Bool[Array, "*b N"]


@struct.dataclass
class Step:
    """Result of one environment step.

    Attributes:
        observation: The true successor, before any reset.
        actions: The joint action that was carried out, [N] or [N, A]; a wrapper may have replaced
            the one that was passed in.
        reward: The team reward, [], or one reward for each agent, [N], if
            :attr:`EnvironmentSpec.agent_rewards` is set.
        terminated: Whether the episode ended for good, [].
        truncated: Whether a time limit cut the episode off before it terminated, [].
        outcomes: A value for each of :attr:`EnvironmentSpec.metrics`; only those of an episode's
            last step count.
        forced: True for agents whose action a wrapper replaced on this step, [N].
        shaped_reward: A reward for progress on the way to the reward, which is no part of the
            return, in the form of ``reward``; None unless :attr:`EnvironmentSpec.shaped_rewards` is
            set.
    """

    observation: Observation
    actions: Actions
    reward: Float[Array, "*b"] | Float[Array, "*b N"]
    terminated: Bool[Array, "*b"]
    truncated: Bool[Array, "*b"]
    outcomes: dict[str, Float[Array, "*b"]]
    forced: Bool[Array, "*b N"]
    shaped_reward: Float[Array, "*b"] | Float[Array, "*b N"] | None = None

    @property
    def boundary(self) -> Bool[Array, "*b"]:
        """End of the episode on this step, by termination or truncation."""
        return self.terminated | self.truncated

    @property
    def team_reward(self) -> Float[Array, "*b"]:
        """The team reward; the mean over agents if each has a reward of its own."""
        per_agent = self.reward.ndim > self.terminated.ndim
        return self.reward.mean(-1) if per_agent else self.reward


@runtime_checkable
class Environment(Protocol):
    """The interface of every environment: pure functions, ready for ``jit`` and ``vmap``."""

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode; return its state and first observation."""

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Make one transition, without resetting."""


def taken_actions(chosen: Actions, step: Step) -> Actions:
    """The policy's own actions, but the ones carried out where a wrapper replaced them.

    Args:
        chosen: The policy's own actions, [*b, N] or [*b, N, A].
        step: The step that followed.
    """
    forced = step.forced.reshape(step.forced.shape + (1,) * (chosen.ndim - step.forced.ndim))
    return jnp.where(forced, step.actions, chosen)


@runtime_checkable
class ResetsItself(Environment, Protocol):
    """An environment with an :func:`auto_reset_step` of its own, as its resets are dear."""

    def auto_reset_step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Observation, Step]:
        """Step, and begin a new episode if this one ended."""


def auto_reset_step(
    environment: Environment,
    key: PRNGKeyArray,
    state: EnvironmentState,
    actions: Actions,
) -> tuple[EnvironmentState, Observation, Step]:
    """Step the environment, and begin a new episode if this one ended.

    Returns:
        The state and the observation to act on next (of a new episode after a boundary), and the
        step itself. Its ``observation`` is the true successor even if a reset followed.
    """
    if isinstance(environment, ResetsItself):
        return environment.auto_reset_step(key, state, actions)
    step_key, reset_key = jax.random.split(key)
    successor, step = environment.step(step_key, state, actions)
    fresh = environment.reset(reset_key)
    next_state, next_observation = jax.tree.map(
        lambda new, old: jnp.where(step.boundary, new, old), fresh, (successor, step.observation)
    )
    return next_state, next_observation, step
