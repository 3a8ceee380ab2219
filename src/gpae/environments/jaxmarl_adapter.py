"""Adapter of cooperative JaxMARL environments to the :class:`Environment` protocol.

JaxMARL keeps agents in dictionaries, lets their sizes differ, resets automatically and reports
every end of an episode as *done*. Here agents are stacked, smaller ones are padded and masked,
nothing is reset, and an episode that only its time limit ended is truncated. Importing this module
does not import JaxMARL.
"""

import warnings
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, PRNGKeyArray, UInt8

from gpae.environments.environment import (
    Actions,
    EnvironmentSpec,
    EnvironmentState,
    Observation,
    Step,
)
from gpae.environments.jaxmarl_actions import ActionConverter, ActionsByAgent
from gpae.environments.jaxmarl_games import GAMES, AdapterOptions
from gpae.environments.jaxmarl_settings import JaxmarlSettings
from gpae.environments.jaxmarl_time_limits import without_time_limit
from gpae.environments.pictures import Units
from gpae.environments.quiet_import import hidden_output, import_quietly
from gpae.errors import UserError


class JaxmarlEnvironment:
    """A JaxMARL environment behind the :class:`Environment` protocol.

    Row i of every array is agent i of the team. Observations of any shape are flattened and padded
    with zeros to the largest agent's. Discrete actions beyond an agent's own are never available.
    Continuous actions lie in [-1, 1] and are mapped linearly to the environment's own bounds; the
    action mask is True for the action dimensions that an agent has.

    An episode terminates if the same environment without its time limit (its ``max_steps``, or that
    of an environment inside it) would have ended, and is truncated if the time limit alone ends it.

    Attributes:
        units: As in :class:`HasUnits`; absent where the options name no units.
        render: As in :class:`HasPicture`; absent where they name no picture.
    """

    units: Callable[[EnvironmentState], Units]
    render: Callable[[EnvironmentState], UInt8[np.ndarray, "H W 3"]]

    def __init__(
        self,
        game: Any,
        name: str,
        *,
        reward: str = "shared",
        state: str = "auto",
        max_episode_steps: int | None = None,
        options: AdapterOptions | None = None,
    ) -> None:
        """Adapt an environment.

        Args:
            game: The environment, a ``jaxmarl.environments.MultiAgentEnv``.
            name: The task's name, such as ``jaxmarl/overcooked``.
            reward: The team reward: ``sum`` or ``mean`` of the agents' rewards, or ``shared``, the
                one reward that all agents receive. If they differ after all, ``shared`` is NaN,
                which stops training.
            state: The global state: ``environment``, the environment's own; ``observations``, the
                agents' observations concatenated; or ``auto``, the former if there is one.
            max_episode_steps: Largest number of transitions within the environment's time limit;
                None for no time limit, or for one that is not stated: episodes are truncated there
                all the same, at the price of memory for as many successors as steps.
            options: The environment's differences from the common interface.

        Raises:
            UserError: If ``reward`` or ``state`` is none of these, the environment has no global
                state of its own, its time limit cannot be found or is not the stated one, its
                actions are neither all discrete nor all bounded vectors, or its action masks do not
                fit them.
        """
        choice = JaxmarlSettings(reward, state)
        _require_step_of_its_own(game, name)
        self._game, self._options = game, options or AdapterOptions()
        self._team: list[Hashable] = list(getattr(game, self._options.team_attribute))
        self._team_reward = _TEAM_REWARDS[choice.reward]
        self._team_shaped_reward = jnp.mean if choice.reward == "mean" else jnp.sum
        self._converter = ActionConverter(game, self._team, name)
        observations, game_state = jax.eval_shape(game.reset, jax.random.key(0))
        self._unlimited = without_time_limit(
            game, name, max_episode_steps, partial(self._program_of_end, game_state)
        )
        self._own_state = _gives_state(game, observations, choice.state, name)
        self._masked = self._gives_masks(game_state)
        self._observation_size = max(_size(observations[agent]) for agent in self._team)
        self._spec = EnvironmentSpec(
            name=name,
            num_agents=len(self._team),
            observation_size=self._observation_size,
            state_size=jax.eval_shape(self._state, observations, game_state).size,
            actions=self._converter.space,
            max_episode_steps=max_episode_steps,
            metrics=tuple(self._options.outcomes),
            shaped_rewards=self._options.shaped_reward is not None,
            early_truncation=max_episode_steps is None,
            observation_shape=self._image_shape(observations),
            state_shape=self._state_shape(observations),
        )
        self._add_pictures(game)

    def _add_pictures(self, game: Any) -> None:
        """Add the ways to draw a state that the options name."""
        if self._options.units is not None:
            self.units = partial(self._options.units, game, self._team)
        if self._options.picture is not None:
            self.render = partial(self._options.picture, game)

    def _image_shape(self, observations: Mapping[Hashable, Any]) -> tuple[int, ...] | None:
        """The shape of every agent's image; None where they see others, or vectors."""
        shapes = {_shape(observations[agent]) for agent in self._team}
        return shapes.pop() if len(shapes) == 1 else None

    def _state_shape(self, observations: Mapping[Hashable, Any]) -> tuple[int, ...] | None:
        """The shape of the state where it is an image, or all agents' in a row."""
        if self._own_state:
            return _shape(observations.get("world_state"))
        image = self._image_shape(observations)
        return None if image is None else (len(self._team), *image)

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""
        return self._spec

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode."""
        observations, state = self._game.reset(key)
        state = _settled(state)
        return state, self._observation(observations, state)

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Make one transition, without resetting."""
        by_agent = self._converter.by_agent(actions)
        observations, successor, agent_rewards, dones, information = self._game.step_env(
            key, state, by_agent
        )
        successor = _settled(successor)
        terminated = self._terminated(key, state, by_agent, dones["__all__"])
        rewards = self._by_row(agent_rewards)
        return successor, Step(
            observation=self._observation(observations, successor),
            actions=actions,
            reward=self._team_reward(rewards),
            terminated=terminated,
            truncated=dones["__all__"] & ~terminated,
            outcomes={
                name: outcome(successor, rewards)
                for name, outcome in self._options.outcomes.items()
            },
            forced=jnp.zeros(len(self._team), bool),
            shaped_reward=self._shaped_reward(information),
        )

    def _by_row(self, numbers: Mapping[Hashable, Any]) -> Float[Array, " N"]:
        return jnp.stack([numbers[agent] for agent in self._team]).astype(jnp.float32)

    def _shaped_reward(self, information: Mapping[str, Any]) -> Float[Array, ""] | None:
        """The team's shaped reward: the sum of the agents', or the mean if the reward is that."""
        if self._options.shaped_reward is None:
            return None
        return self._team_shaped_reward(self._by_row(information[self._options.shaped_reward]))

    def _terminated(
        self,
        key: PRNGKeyArray,
        state: EnvironmentState,
        actions: ActionsByAgent,
        done: Bool[Array, ""],
    ) -> Bool[Array, ""]:
        """Termination: the end of an episode that has no time limit.

        The second step repeats the first one's computation, which the compiler then does once.
        """
        if self._unlimited is self._game:
            return done
        return self._unlimited.step_env(key, state, actions)[3]["__all__"]

    def _program_of_end(self, state: EnvironmentState, game: Any) -> str:
        """The program of the question whether an environment's step ends the episode, as text."""

        def end(key: PRNGKeyArray, state: EnvironmentState, actions: Actions) -> Bool[Array, ""]:
            by_agent = self._converter.by_agent(actions)
            done: Bool[Array, ""] = game.step_env(key, _settled(state), by_agent)[3]["__all__"]
            return done

        actions = self._converter.space.joint_action(len(self._team))
        return str(jax.make_jaxpr(end)(jax.random.key(0), state, actions))

    def _observation(
        self, observations: Mapping[Hashable, Any], state: EnvironmentState
    ) -> Observation:
        alive = self._options.alive
        return Observation(
            observations=self._stack(observations, self._observation_size),
            state=self._state(observations, state),
            available_actions=self._available_actions(state),
            alive=jnp.ones(len(self._team), bool) if alive is None else alive(state),
        )

    def _state(
        self, observations: Mapping[Hashable, Any], state: EnvironmentState
    ) -> Float[Array, " S"]:
        if not self._own_state:
            return jnp.concatenate([_flat(observations[agent]) for agent in self._team])
        if "world_state" in observations:
            return _flat(observations["world_state"])
        return _flat(self._game.get_world_state(state))

    def _available_actions(self, state: EnvironmentState) -> Bool[Array, "N A"]:
        own = self._converter.own
        if not self._masked:
            return jnp.asarray(own)
        masks = getattr(self._game, str(self._options.mask_method))(state)
        return (self._stack(masks, own.shape[1]) > 0) & own

    def _gives_masks(self, state: EnvironmentState) -> bool:
        """Presence of action masks, which JaxMARL's base class lacks."""
        method = self._options.mask_method
        if method is None or not hasattr(self._game, method):
            return False
        try:
            masks = jax.eval_shape(getattr(self._game, method), state)
        except NotImplementedError:
            return False
        sizes = self._converter.own.sum(axis=1)
        if any(
            masks[agent].shape != (size,) for agent, size in zip(self._team, sizes, strict=True)
        ):
            raise UserError(f"{method} gives action masks of other sizes than the action spaces")
        return True

    def _stack(self, by_agent: Mapping[Hashable, Any], size: int) -> Float[Array, "N size"]:
        rows = [_flat(by_agent[agent]) for agent in self._team]
        return jnp.stack([jnp.pad(row, (0, size - row.size)) for row in rows])


def make_jaxmarl(name: str, settings: JaxmarlSettings) -> JaxmarlEnvironment:
    """Make one of JaxMARL's environments.

    Args:
        name: The environment's name in JaxMARL, one of :data:`GAMES`.
        settings: Its settings, of the type that the entry names.

    Raises:
        UserError: If ``settings.state`` is ``environment``, and it has no global state.
    """
    jaxmarl = import_quietly("jaxmarl")
    with hidden_output(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        game = jaxmarl.make(name, **settings.arguments())
    return JaxmarlEnvironment(
        game,
        f"jaxmarl/{name}",
        reward=settings.reward,
        state=settings.state,
        max_episode_steps=settings.max_episode_steps,
        options=GAMES[name].options,
    )


def _shared(rewards: Float[Array, " N"]) -> Float[Array, ""]:
    return jnp.where(jnp.all(rewards == rewards[0]), rewards[0], jnp.nan)


_TEAM_REWARDS: Mapping[str, Callable[[Float[Array, " N"]], Float[Array, ""]]] = {
    "shared": _shared,
    "sum": jnp.sum,
    "mean": jnp.mean,
}


def _require_step_of_its_own(game: Any, name: str) -> None:
    """Refuse a wrapper whose state is its own and whose raw step is that of the one inside."""
    if hasattr(type(game), "reset") and not hasattr(type(game), "step_env"):
        raise UserError(
            f"{name}: {type(game).__name__} has a reset of its own and no step_env: adapt the "
            "environment inside it (returns and lengths of episodes are recorded without a wrapper)"
        )


def _gives_state(game: Any, observations: Mapping[Any, Any], choice: str, name: str) -> bool:
    """True if the global state is the environment's own, not made of the observations."""
    gives = "world_state" in observations or hasattr(game, "get_world_state")
    if choice == "environment" and not gives:
        raise UserError(f"{name} has no global state of its own: use state=observations")
    return gives and choice != "observations"


def _flat(tree: Any) -> Float[Array, " F"]:
    """All leaves of a pytree of arrays, flattened into one vector."""
    return jnp.concatenate([jnp.ravel(leaf).astype(jnp.float32) for leaf in jax.tree.leaves(tree)])


def _shape(tree: Any) -> tuple[int, ...] | None:
    """The shape of an image; None of anything else."""
    shape = getattr(tree, "shape", ())
    return shape if len(shape) == 3 else None


def _size(tree: Any) -> int:
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def _settled(state: EnvironmentState) -> EnvironmentState:
    """Remove weak types, so that a reset's state and a step's have the same types."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype=jnp.asarray(leaf).dtype), state)
