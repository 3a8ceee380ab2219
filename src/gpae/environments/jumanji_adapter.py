"""Adapter of Jumanji's teams to the :class:`Environment` protocol.

Jumanji keeps the agents stacked and never resets by itself. What it lacks is kept apart here: an
episode that its time limit alone ended is truncated, for every team. Jumanji says so of foraging
and Connector, and calls it a termination in RobotWarehouse and Cleaner. Importing this module does
not import Jumanji.
"""

import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.environments.environment import (
    DiscreteActions,
    EnvironmentSpec,
    EnvironmentState,
    Observation,
    Step,
)
from gpae.environments.jumanji_games import GAMES
from gpae.environments.jumanji_settings import JumanjiSettings
from gpae.errors import UserError

_NEVER = 2**31 - 1
"""Time limit that no episode reaches."""

_REWARDS: Mapping[str, Callable[[Float[Array, " N"]], Float[Array, "*N"]]] = {
    "sum": jnp.sum,
    "mean": jnp.mean,
    "agents": lambda rewards: rewards,
}


class JumanjiEnvironment:
    """A team of Jumanji's behind the :class:`Environment` protocol.

    Row i of every array is agent i. Images are flattened; the spec has their shapes.

    The environment inside has no time limit: an episode terminates where that one ends, and is
    truncated if only the limit ends it.
    """

    def __init__(self, family: str, name: str, settings: JumanjiSettings) -> None:
        """Make an environment.

        Args:
            family: The team's family, one of :data:`GAMES`.
            name: The task's name, such as ``jumanji/lbf``.
            settings: The settings of that family.

        Raises:
            UserError: There is no such world, such as one with more requests than shelves.
        """
        self._views = GAMES[family]
        try:
            self._game = self._views.make(settings, _NEVER)
            with _future_kept_quiet():
                state, first = jax.eval_shape(self._game.reset, jax.random.key(0))
        except (AssertionError, ValueError, TypeError) as error:
            cause = " ".join(str(error).split())
            raise UserError(
                f"{name}: Jumanji cannot make a world of these sizes: {cause}"
            ) from error
        self._reward = _REWARDS[getattr(settings, "reward", "sum")]
        self._own_state = settings.state == "environment"
        seen = jax.eval_shape(self._views.observations, state, first.observation)
        world = jax.eval_shape(self._world, state, first.observation)
        masks = first.observation.action_mask
        self._spec = EnvironmentSpec(
            name=name,
            num_agents=masks.shape[0],
            observation_size=seen.size // masks.shape[0],
            observation_shape=_image(seen.shape[1:]),
            state_size=world.size,
            state_shape=_image(world.shape),
            actions=DiscreteActions(masks.shape[1]),
            max_episode_steps=settings.max_steps,
            metrics=tuple(self._views.outcomes),
            agent_rewards=getattr(settings, "reward", "") == "agents",
            early_truncation=False,
        )

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""
        return self._spec

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode."""
        with _future_kept_quiet():
            state, first = self._game.reset(key)
        return state, self._observation(state, first.observation)

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Int[Array, " N"]
    ) -> tuple[EnvironmentState, Step]:
        """Make one transition, without resetting; all chance follows from the reset's key."""
        with _future_kept_quiet():
            successor, taken = self._game.step(state, actions)
        terminated = taken.last()
        return successor, Step(
            observation=self._observation(successor, taken.observation),
            actions=actions,
            reward=self._reward(taken.reward.astype(jnp.float32)),
            terminated=terminated,
            truncated=~terminated & (successor.step_count >= self._spec.max_episode_steps),
            outcomes={name: of(successor) for name, of in self._views.outcomes.items()},
            forced=jnp.zeros(self._spec.num_agents, bool),
        )

    def _observation(self, state: EnvironmentState, observation: Any) -> Observation:
        masks, alive = observation.action_mask, self._views.alive
        seen = self._views.observations(state, observation)
        return Observation(
            observations=_settled(seen).reshape(len(masks), -1),
            state=_settled(self._world(state, observation)).ravel(),
            available_actions=masks,
            alive=self._everyone if alive is None else alive(masks),
        )

    @property
    def _everyone(self) -> Bool[Array, " N"]:
        return jnp.ones(self._spec.num_agents, bool)

    def _world(self, state: EnvironmentState, observation: Any) -> Array:
        """The global state, in its own shape."""
        if self._own_state:
            return self._views.state(state, observation)
        return self._views.observations(state, observation)


def make_jumanji(family: str, name: str, settings: JumanjiSettings) -> JumanjiEnvironment:
    """Make the environment of a scenario.

    Args:
        family: The team's family, one of :data:`GAMES`.
        name: The scenario's name.
        settings: Its settings.
    """
    return JumanjiEnvironment(family, f"jumanji/{name}", settings)


def _future_kept_quiet() -> AbstractContextManager[Any]:
    """A context, of tracing, without JAX's warnings about Jumanji's own mixtures of types."""
    return warnings.catch_warnings(action="ignore", category=FutureWarning)


def _image(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """The shape of an image, or of a stack of them; None of a vector or several."""
    return shape if len(shape) > 2 else None


def _settled(view: Array) -> Array:
    """A view in the type it is kept in: maps of small numbers as they are, others as floats."""
    return view if view.dtype == jnp.int8 else view.astype(jnp.float32)
