"""Observation and action spaces of a team, as the sizes of stacked arrays."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gpae.environments.environment import ActionSpace
from gpae.environments.jaxmarl_actions import ContinuousConversion, team_conversion
from gpae.errors import UserError

MASK = "action_mask"
"""Key of an agent's action mask, in its observation or in its information."""

_SEEN = "observation"


@dataclass(frozen=True, eq=False)
class TeamSpaces:
    """The spaces of a team, agent by agent.

    Attributes:
        agents: The agents, in the order of the rows.
        shapes: The shape of each agent's observation, as the space has it.
        categories: The categories of each discrete observation, none of any other.
        dtype: The type that all observations are kept in: uint8 of pixels, else float32.
        actions: The action space of the largest agent.
        own: True for the actions, or action dimensions, that an agent has, [N, A].
        starts: The number of each agent's first discrete action.
        bounds: Each agent's bounds of continuous actions, None of discrete ones.
    """

    agents: Sequence[Hashable]
    shapes: Sequence[tuple[int, ...]]
    categories: Sequence[range]
    dtype: np.dtype
    actions: ActionSpace
    own: Bool[np.ndarray, "N A"]
    starts: Sequence[int]
    bounds: Sequence[tuple[Float[np.ndarray, " a"], Float[np.ndarray, " a"]]] | None

    @classmethod
    def of(cls, game: Any, name: str) -> "TeamSpaces":
        """Read the spaces of an environment with PettingZoo's parallel interface.

        Raises:
            UserError: An observation is neither numbers nor one category, or is a dictionary of
                more than ``observation`` and ``action_mask``; or the actions are neither all
                ``Discrete`` nor all ``Box`` of one axis with finite bounds.
        """
        agents = list(game.possible_agents)
        seen = [_seen(game.observation_space(agent), agent, name) for agent in agents]
        actions = {agent: game.action_space(agent) for agent in agents}
        conversion = team_conversion(actions, name)
        sizes = np.array(list(conversion.sizes.values()))
        bounds = conversion.bounds if isinstance(conversion, ContinuousConversion) else None
        return cls(
            agents=agents,
            shapes=[space.shape or (1,) for space in seen],
            categories=[_categories(space) for space in seen],
            dtype=_common_type(seen),
            actions=conversion.space,
            own=np.arange(sizes.max()) < sizes[:, None],
            starts=[int(getattr(space, "start", 0)) for space in actions.values()],
            bounds=None if bounds is None else list(bounds.values()),
        )

    @property
    def image(self) -> tuple[int, ...] | None:
        """The shape of every agent's image, None where they see others, or vectors."""
        shapes = set(self.shapes)
        (shape, *others) = shapes
        return shape if not others and len(shape) == 3 else None

    @property
    def observation_size(self) -> int:
        """Length of the largest agent's observation."""
        sizes = zip(self.shapes, self.categories, strict=True)
        return max(len(categories) or int(np.prod(shape)) for shape, categories in sizes)

    def row(self, agent: int, seen: Any) -> Shaped[np.ndarray, " O"]:
        """An agent's observation as a vector, without padding."""
        if isinstance(seen, Mapping):
            seen = seen[_SEEN]
        if self.categories[agent]:
            return (np.array(self.categories[agent]) == seen).astype(self.dtype)
        return np.asarray(seen, self.dtype).ravel()

    def order(self, agent: int, action: Any) -> Any:
        """An agent's action as its space has it, of what the policy chose."""
        if self.bounds is None:
            return int(action) + self.starts[agent]
        low, high = self.bounds[agent]
        share = (np.clip(action[: len(low)], -1.0, 1.0) + 1.0) / 2.0
        return np.asarray(low + share * (high - low), np.float32)


def _seen(space: Any, agent: Hashable, name: str) -> Any:
    """The space of what an agent sees, beside its action mask."""
    kind, inner = type(space).__name__, space
    if kind == "Dict":
        if not {_SEEN} <= set(space.keys()) <= {_SEEN, MASK}:
            raise UserError(
                f"{name}: the observation of {agent} is a dictionary of {', '.join(space.keys())}, "
                f"and {_SEEN} and {MASK} alone can be used: flatten the rest into {_SEEN}"
            )
        inner = space[_SEEN]
        kind = type(inner).__name__
    if kind not in ("Box", "MultiBinary", "Discrete"):
        raise UserError(
            f"{name}: the observation of {agent} is of the space {kind}, and Box, MultiBinary or "
            "Discrete is needed"
        )
    return inner


def _categories(space: Any) -> range:
    if type(space).__name__ != "Discrete":
        return range(0)
    start = int(getattr(space, "start", 0))
    return range(start, start + int(space.n))


def _common_type(spaces: Sequence[Any]) -> np.dtype:
    pixels = all(space.dtype == np.uint8 and len(space.shape) == 3 for space in spaces)
    return np.dtype(np.uint8 if pixels else np.float32)
