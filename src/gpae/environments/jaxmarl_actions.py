"""From a stacked joint action to the orders that a JaxMARL environment takes."""

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

Orders = dict[Hashable, Array]
"""JaxMARL's joint action: each agent's own, by the agent's name."""


@dataclass(frozen=True)
class NumberedOrders:
    """Orders by number, each agent from as many as it has.

    Attributes:
        sizes: How many each agent of the team has.
    """

    sizes: dict[Hashable, int]

    @property
    def space(self) -> ActionSpace:
        """The largest agent's."""
        return DiscreteActions(max(self.sizes.values()))

    def orders(self, actions: Int[Array, " N"]) -> Orders:
        """Hand out the numbers."""
        return dict(zip(self.sizes, actions, strict=True))


@dataclass(frozen=True)
class RealOrders:
    """Orders of real numbers, each agent as many as it has.

    Attributes:
        bounds: The lowest and highest values of each agent's numbers.
    """

    bounds: dict[Hashable, tuple[Float[np.ndarray, " a"], Float[np.ndarray, " a"]]]

    @property
    def sizes(self) -> dict[Hashable, int]:
        """How many each agent of the team has."""
        return {agent: len(low) for agent, (low, _) in self.bounds.items()}

    @property
    def space(self) -> ActionSpace:
        """The largest agent's, between -1 and 1."""
        return ContinuousActions(max(self.sizes.values()), low=-1.0, high=1.0)

    def orders(self, actions: Float[Array, "N A"]) -> Orders:
        """Map each agent's own numbers from [-1, 1] to its bounds."""
        shares = (jnp.clip(actions, -1.0, 1.0) + 1.0) / 2.0
        return {
            agent: low + share[: len(low)] * (high - low)
            for (agent, (low, high)), share in zip(self.bounds.items(), shares, strict=True)
        }


class Commander:
    """Gives JaxMARL its orders: the team's, and idle ones for agents that are not of it."""

    def __init__(self, game: Any, team: list[Hashable]) -> None:
        """Read the agents' action spaces.

        Args:
            game: The JaxMARL environment.
            team: The agents that learn.

        Raises:
            UserError: If the spaces are neither all ``Discrete`` nor all ``Box`` of one axis.
        """
        self._team = _team_orders({agent: game.action_space(agent) for agent in team})
        others = (agent for agent in game.agents if agent not in team)
        self._idle = {agent: _idle_order(game.action_space(agent)) for agent in others}

    @property
    def space(self) -> ActionSpace:
        """The team's action space."""
        return self._team.space

    @property
    def own(self) -> Bool[np.ndarray, "N A"]:
        """Which of the A actions, or numbers, each agent has."""
        sizes = np.array(list(self._team.sizes.values()))
        return np.arange(sizes.max()) < sizes[:, None]

    def orders(self, actions: Actions) -> Orders:
        """What JaxMARL's ``step_env`` is given for a joint action of the team."""
        return {**self._team.orders(actions), **self._idle}


def _team_orders(spaces: dict[Hashable, Any]) -> NumberedOrders | RealOrders:
    kinds = {type(space).__name__ for space in spaces.values()}
    if kinds == {"Discrete"}:
        return NumberedOrders({agent: int(space.n) for agent, space in spaces.items()})
    if kinds == {"Box"} and all(len(space.shape) == 1 for space in spaces.values()):
        return RealOrders({agent: _bounds(space) for agent, space in spaces.items()})
    raise UserError(f"the actions must be all Discrete or all Box of one axis, not {_named(kinds)}")


def _named(kinds: Iterable[str]) -> str:
    return " and ".join(sorted(kinds))


def _bounds(space: Any) -> tuple[Float[np.ndarray, " a"], Float[np.ndarray, " a"]]:
    low, high = (
        np.broadcast_to(np.asarray(bound, np.float32), space.shape)
        for bound in (space.low, space.high)
    )
    return low, high


def _idle_order(space: Any) -> Array:
    return jnp.zeros(space.shape, jnp.int32 if type(space).__name__ == "Discrete" else jnp.float32)
