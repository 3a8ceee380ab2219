"""A Gymnasium environment with several agents, with PettingZoo's parallel interface."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from gpae.errors import UserError


class GymnasiumTeam:
    """An environment whose action and observation spaces are tuples, one space an agent.

    That is how level-based foraging and the robotic warehouse, among others, have their teams.
    Agents are numbered; none leaves before the episode ends.
    """

    def __init__(self, game: Any, name: str) -> None:
        """Wrap an environment.

        Args:
            game: The environment.
            name: The task's name.

        Raises:
            UserError: Its spaces are not tuples of the same length.
        """
        spaces = game.observation_space, game.action_space
        kinds = [type(space).__name__ for space in spaces]
        if kinds != ["Tuple", "Tuple"] or len(spaces[0].spaces) != len(spaces[1].spaces):
            raise UserError(
                f"{name} is no team: its observation and action spaces must be tuples with a space "
                f"for each agent, and are {' and '.join(kinds)}"
            )
        self._game = game
        self.possible_agents = list(range(len(spaces[0].spaces)))
        self.agents: list[int] = []

    def observation_space(self, agent: int) -> Any:
        """An agent's observation space."""
        return self._game.observation_space.spaces[agent]

    def action_space(self, agent: int) -> Any:
        """An agent's action space."""
        return self._game.action_space.spaces[agent]

    def reset(self, seed: int) -> tuple[Mapping[int, Any], Mapping[int, Any]]:
        """Begin an episode."""
        seen, _ = self._game.reset(seed=seed)
        self.agents = list(self.possible_agents)
        return dict(enumerate(seen)), {}

    def step(self, actions: Mapping[int, Any]) -> tuple[Mapping[int, Any], ...]:
        """Make one transition."""
        seen, rewards, terminated, truncated, _ = self._game.step(tuple(actions.values()))
        by_agent = [
            dict(enumerate(np.broadcast_to(each, len(self.possible_agents))))
            for each in (rewards, np.all(terminated), np.all(truncated))
        ]
        if np.all(terminated) or np.all(truncated):
            self.agents = []
        return dict(enumerate(seen)), *by_agent, {}
