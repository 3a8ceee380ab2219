"""Adapter of PettingZoo's parallel environments, and of Gymnasium's with several agents.

They run on the host, in Python, one after the other. Importing this module imports neither.
"""

import importlib
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped

from gpae.environments.environment import EnvironmentSpec, Observation
from gpae.environments.gymnasium_team import GymnasiumTeam
from gpae.environments.host import HostEnvironment, HostStep
from gpae.environments.pettingzoo_settings import HostSettings
from gpae.environments.pettingzoo_spaces import MASK, TeamSpaces
from gpae.environments.quiet_import import hidden_output
from gpae.errors import UserError
from gpae.extras import EXTRAS


class ParallelEpisode:
    """An environment with PettingZoo's parallel interface as an :class:`Episode`.

    Row i of every array is agent i of ``possible_agents``. Observations are flattened and padded
    with zeros to the largest agent's; an agent that is gone sees zeros and has its first action
    alone. The episode ends when no agent is left: it terminates, unless an agent of its last step
    was truncated.
    """

    def __init__(self, game: Any, spaces: TeamSpaces, reward: str, own_state: bool) -> None:
        """Wrap an environment.

        Args:
            game: The environment.
            spaces: Its spaces.
            reward: As :attr:`HostSettings.reward`.
            own_state: Whether the global state is its own ``state()``.
        """
        self._game, self._spaces = game, spaces
        self._own_state = own_state
        self._reward = _REWARDS[reward]
        self._rows = {agent: row for row, agent in enumerate(spaces.agents)}

    def reset(self, seed: int) -> Observation:
        """Begin an episode."""
        seen, information = self._game.reset(seed=seed)
        return self._observation(seen, information, set(self._game.agents))

    def step(self, actions: Shaped[np.ndarray, "N *A"]) -> HostStep:
        """Make one transition."""
        orders = {
            agent: self._spaces.order(self._rows[agent], actions[self._rows[agent]])
            for agent in self._game.agents
        }
        seen, rewards, terminated, truncated, information = self._game.step(orders)
        ended = not self._game.agents or all(
            terminated.get(agent, False) or truncated.get(agent, False) for agent in orders
        )
        cut_off = any(truncated.get(agent) and not terminated.get(agent) for agent in orders)
        alive = {agent for agent in orders if not terminated.get(agent, False)}
        if not ended:
            alive &= set(self._game.agents)
        of_agents = [float(rewards.get(agent, 0.0)) for agent in self._spaces.agents]
        acting = [agent in orders for agent in self._spaces.agents]
        return HostStep(
            observation=self._observation(seen, information, alive),
            reward=np.asarray(self._reward(np.array(of_agents), np.array(acting)), np.float32),
            terminated=np.array(ended and not cut_off),
            truncated=np.array(ended and cut_off),
        )

    def _observation(
        self, seen: Mapping[Hashable, Any], information: Mapping[Hashable, Any], alive: set[Any]
    ) -> Observation:
        spaces = self._spaces
        rows = np.zeros((len(spaces.agents), spaces.observation_size), spaces.dtype)
        for agent, of_agent in seen.items():
            row = spaces.row(self._rows[agent], of_agent)
            rows[self._rows[agent], : len(row)] = row
        arrays: dict[str, Any] = {
            "observations": rows,
            "state": self._state(rows),
            "available_actions": self._available_actions(seen, information, alive),
            "alive": np.array([agent in alive for agent in spaces.agents]),
        }
        return Observation(**arrays)

    def _state(self, rows: Shaped[np.ndarray, "N O"]) -> Shaped[np.ndarray, " S"]:
        if not self._own_state:
            return rows.ravel()
        state = np.asarray(self._game.state())
        return (state if state.dtype == np.uint8 else state.astype(np.float32)).ravel()

    def _available_actions(
        self, seen: Mapping[Hashable, Any], information: Mapping[Hashable, Any], alive: set[Any]
    ) -> Bool[np.ndarray, "N A"]:
        available = self._spaces.own.copy()
        if self._spaces.bounds is not None:
            return available
        for row, agent in enumerate(self._spaces.agents):
            mask = _mask(seen.get(agent), information.get(agent))
            if agent not in alive:
                available[row] = np.arange(available.shape[1]) == 0
            elif mask is not None:
                available[row, : len(mask)] &= np.asarray(mask, bool)
        return available


def _mask(seen: Any, information: Any) -> Any:
    """An agent's action mask, None where it is given none."""
    for place in (seen, information):
        if isinstance(place, Mapping) and MASK in place:
            return place[MASK]
    return None


def _shared(rewards: Any, acting: Any) -> Any:
    first = rewards[acting][0]
    return first if (rewards[acting] == first).all() else np.nan


_REWARDS: Mapping[str, Callable[[Any, Any], Any]] = {
    "sum": lambda rewards, acting: rewards.sum(),
    "mean": lambda rewards, acting: rewards.mean(),
    "shared": _shared,
    "agents": lambda rewards, acting: rewards,
}


def make_pettingzoo(module: str, settings: HostSettings) -> HostEnvironment:
    """Make an environment of PettingZoo's parallel interface.

    Args:
        module: A module with a function ``parallel_env``, such as ``mpe2.simple_spread_v3``.
        settings: The settings.

    Raises:
        UserError: There is no such module or function, it refuses the arguments, or the environment
            does not fit the protocol.
    """
    with hidden_output():
        make = getattr(_imported(module), "parallel_env", None)
    if make is None:
        raise UserError(f"pettingzoo/{module}: the module {module} has no parallel_env")
    return _environment(f"pettingzoo/{module}", partial(make, **settings.arguments), settings)


def make_gymnasium(identity: str, settings: HostSettings) -> HostEnvironment:
    """Make an environment of Gymnasium whose spaces are tuples, with one space for each agent.

    Args:
        identity: Its id, such as ``Foraging-8x8-2p-1f-v3``, or ``MODULE:ID``.
        settings: The settings.

    Raises:
        UserError: There is no such environment, it refuses the arguments, or it does not fit the
            protocol.
    """
    gymnasium: Any = importlib.import_module("gymnasium")
    name = f"gymnasium/{identity}"

    def make() -> GymnasiumTeam:
        return GymnasiumTeam(gymnasium.make(identity, **settings.arguments), name)

    return _environment(name, make, settings)


def _imported(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = str(error.name).partition(".")[0]
        if package in EXTRAS["pettingzoo"]:
            raise
        raise UserError(
            f"pettingzoo/{module}: there is no module {error.name}; the extra pettingzoo brings "
            "PettingZoo and MPE2 alone: install the package that has it"
        ) from error


def _environment(name: str, make: Callable[[], Any], settings: HostSettings) -> HostEnvironment:
    try:
        game = make()
        game.reset(seed=0)
    except UserError:
        raise
    except Exception as error:
        cause = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{name} cannot be made: {cause}") from error
    if not getattr(game, "possible_agents", None):
        raise UserError(f"{name} has no possible_agents: a team of fixed size is needed")
    spaces = TeamSpaces.of(game, name)
    own_state = _gives_state(game, settings.state, name)

    def episode(made: Any) -> ParallelEpisode:
        return ParallelEpisode(made, spaces, settings.reward, own_state)

    like = episode(game).reset(0)
    spec = EnvironmentSpec(
        name=name,
        num_agents=len(spaces.agents),
        observation_size=spaces.observation_size,
        state_size=like.state.size,
        actions=spaces.actions,
        max_episode_steps=None,
        agent_rewards=settings.reward == "agents",
        observation_shape=spaces.image,
        state_shape=_state_shape(game, spaces, own_state),
    )
    return HostEnvironment(spec, lambda: episode(make()), like)


def _gives_state(game: Any, choice: str, name: str) -> bool:
    """True if the global state is the environment's own, not made of the observations."""
    if choice == "observations":
        return False
    try:
        game.state()
    except (AttributeError, NotImplementedError):
        if choice == "environment":
            raise UserError(
                f"{name} has no global state of its own: use state=observations"
            ) from None
        return False
    return True


def _state_shape(game: Any, spaces: TeamSpaces, own_state: bool) -> tuple[int, ...] | None:
    """The shape of a state that is an image, or all agents' in a row."""
    if own_state:
        shape = np.shape(game.state())
        return shape if len(shape) == 3 else None
    return None if spaces.image is None else (len(spaces.agents), *spaces.image)
