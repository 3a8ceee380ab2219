"""Conversion of a stacked joint action into the dictionary that JaxMARL's step takes."""

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from gpae.environments.environment import (
    Actions,
    ActionSpace,
    ContinuousActions,
    DiscreteActions,
)
from gpae.errors import UserError

ActionsByAgent = dict[Hashable, Array]
"""Joint action of JaxMARL: each agent's action by the agent's name."""


@dataclass(frozen=True)
class DiscreteConversion:
    """Conversion of discrete actions; agents may differ in their number of actions.

    Attributes:
        sizes: Number of actions of each agent of the team.
    """

    sizes: dict[Hashable, int]

    @property
    def space(self) -> ActionSpace:
        """The largest agent's action space."""
        return DiscreteActions(max(self.sizes.values()))

    def by_agent(self, actions: Int[Array, " N"]) -> ActionsByAgent:
        """Unstack the joint action."""
        return dict(zip(self.sizes, actions, strict=True))


@dataclass(frozen=True)
class ContinuousConversion:
    """Conversion of continuous actions; agents may differ in their number of action dimensions.

    Attributes:
        bounds: Lower and upper bounds of each agent's action dimensions, as its ``Box`` has them.
    """

    bounds: dict[Hashable, tuple[Float[np.ndarray, " a"], Float[np.ndarray, " a"]]]

    @property
    def sizes(self) -> dict[Hashable, int]:
        """Number of action dimensions of each agent of the team."""
        return {agent: len(low) for agent, (low, _) in self.bounds.items()}

    @property
    def space(self) -> ActionSpace:
        """The largest agent's action space, within [-1, 1]."""
        return ContinuousActions(max(self.sizes.values()), low=-1.0, high=1.0)

    def by_agent(self, actions: Float[Array, "N A"]) -> ActionsByAgent:
        """Unstack the joint action, mapping each agent's components from [-1, 1] to its bounds."""
        shares = (jnp.clip(actions, -1.0, 1.0) + 1.0) / 2.0
        return {
            agent: low + share[: len(low)] * (high - low)
            for (agent, (low, high)), share in zip(self.bounds.items(), shares, strict=True)
        }


class ActionConverter:
    """Conversion of the team's joint action; agents outside the team get a constant zero action."""

    def __init__(self, game: Any, team: list[Hashable], name: str) -> None:
        """Read the agents' action spaces.

        Args:
            game: The JaxMARL environment.
            team: The agents that learn.
            name: The task's name.

        Raises:
            UserError: If the spaces are neither all ``Discrete`` nor all ``Box`` of one axis, or a
                ``Box`` has a bound that is not finite.
        """
        spaces = {agent: game.action_space(agent) for agent in team}
        self._team = team_conversion(spaces, name)
        others = (agent for agent in game.agents if agent not in team)
        self._idle = {agent: _zero_action(game.action_space(agent)) for agent in others}

    @property
    def space(self) -> ActionSpace:
        """The team's action space."""
        return self._team.space

    @property
    def own(self) -> Bool[np.ndarray, "N A"]:
        """Mask of the actions, or action dimensions, that each agent has; the rest is padding."""
        sizes = np.array(list(self._team.sizes.values()))
        return np.arange(sizes.max()) < sizes[:, None]

    def by_agent(self, actions: Actions) -> ActionsByAgent:
        """The argument of JaxMARL's ``step_env`` for a joint action of the team."""
        return {**self._team.by_agent(actions), **self._idle}


def team_conversion(
    spaces: dict[Hashable, Any], name: str
) -> DiscreteConversion | ContinuousConversion:
    """The conversion that fits agents' action spaces.

    Args:
        spaces: Each agent's space: any class with the attributes of Gymnasium's.
        name: The task's name.

    Raises:
        UserError: They are neither all ``Discrete`` nor all ``Box`` of one axis, or a bound is not
            finite.
    """
    kinds = {type(space).__name__ for space in spaces.values()}
    if kinds == {"Discrete"}:
        return DiscreteConversion({agent: int(space.n) for agent, space in spaces.items()})
    if kinds == {"Box"} and all(len(space.shape) == 1 for space in spaces.values()):
        bounds = {agent: _bounds(space) for agent, space in spaces.items()}
        for agent, of_agent in bounds.items():
            _require_finite(*of_agent, f"{name}: action of {agent}")
        return ContinuousConversion(bounds)
    raise UserError(
        f"{name}: the actions must be all Discrete or all Box of one axis, not {_named(kinds)}"
    )


def _require_finite(
    low: Float[np.ndarray, " a"], high: Float[np.ndarray, " a"], which: str
) -> None:
    """Refuse bounds that [-1, 1] cannot be mapped to; equal ones are a constant action."""
    with np.errstate(over="ignore", invalid="ignore"):
        sound = np.isfinite(high - low) & (low <= high)
    for dimension in np.flatnonzero(~sound)[:1]:
        raise UserError(
            f"{which}: dimension {dimension} of its Box is from {low[dimension]:g} to "
            f"{high[dimension]:g}, and finite bounds are needed, the lower one first: actions in "
            "[-1, 1] are mapped to them"
        )


def _named(kinds: Iterable[str]) -> str:
    return " and ".join(sorted(kinds))


def _bounds(space: Any) -> tuple[Float[np.ndarray, " a"], Float[np.ndarray, " a"]]:
    low, high = (
        np.broadcast_to(np.asarray(bound, np.float32), space.shape)
        for bound in (space.low, space.high)
    )
    return low, high


def _zero_action(space: Any) -> Array:
    return jnp.zeros(space.shape, jnp.int32 if type(space).__name__ == "Discrete" else jnp.float32)
