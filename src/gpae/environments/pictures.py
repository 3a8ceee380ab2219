"""Pictures of an episode: two optional parts of an environment, of which it needs neither.

An environment with ``units(states)`` says where its units are over a whole episode, and they are
drawn from that; one with ``render(state)`` draws one moment itself.
"""

from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from gpae.environments.environment import EnvironmentState

TEAM, OPPONENT, LANDMARK = "team", "opponent", "landmark"
"""Sides of a unit."""

Colour: TypeAlias = tuple[int, int, int]
"""Red, green and blue, from 0 to 255."""

_AGENT_COLOURS: tuple[Colour, ...] = (
    (92, 119, 187),
    (192, 60, 51),
    (14, 168, 135),
    (104, 58, 169),
    (165, 145, 57),
    (163, 85, 121),
    (12, 76, 92),
    (105, 50, 3),
)
"""Told apart by the colour-blind too (``tests/inspect/test_colours.py``)."""


def agent_colour(agent: int) -> Colour:
    """The colour of an agent where agents are told apart; eight of them differ."""
    return _AGENT_COLOURS[agent % len(_AGENT_COLOURS)]


@dataclass(frozen=True)
class Units:
    """U units in the plane at the T + 1 moments of an episode of T steps, as NumPy arrays.

    Attributes:
        positions: Their centres, x to the right and y upwards, [T + 1, U, 2].
        alive: True for units that are still there, [T + 1, U].
        radii: Their radii in the units of positions, [U].
        sides: The side of each: ``team``, ``opponent`` or ``landmark``.
        agents: The agent that each is, -1 for none, [U].
        kinds: The kind of each in words, such as ``marine``.
        marks: A letter or a number to write on each, or words below a landmark; or nothing.
        area: The left, bottom, right and top edge of the world; None where it has none.
        health: Share of its full health that each has, from 0 to 1, [T + 1, U]; None without
            health.
        targets: The unit that each attacks on a step, within its range, -1 for none, [T, U]; None
            without attacks.
        ranges: The distance at which each can attack, 0 for none, [U]; None without attacks.
        notes: A line about each moment; empty where there is none to write.
        ending: The result in a word or two, such as ``victory``; empty if there is none.
    """

    positions: Float[np.ndarray, "T1 U 2"]
    alive: Bool[np.ndarray, "T1 U"]
    radii: Float[np.ndarray, " U"]
    sides: tuple[str, ...]
    agents: Int[np.ndarray, " U"]
    kinds: tuple[str, ...]
    marks: tuple[str, ...]
    area: tuple[float, float, float, float] | None = None
    health: Float[np.ndarray, "T1 U"] | None = None
    targets: Int[np.ndarray, "T U"] | None = None
    ranges: Float[np.ndarray, " U"] | None = None
    notes: tuple[str, ...] = ()
    ending: str = ""

    def __len__(self) -> int:
        """The number of moments."""
        return len(self.positions)


@runtime_checkable
class HasUnits(Protocol):
    """An environment of units in the plane."""

    def units(self, states: EnvironmentState) -> Units:
        """The units of an episode.

        Args:
            states: The environment's states at T + 1 moments, NumPy arrays [T + 1, ...].
        """


@runtime_checkable
class HasPicture(Protocol):
    """An environment that draws itself."""

    def render(self, state: EnvironmentState) -> UInt8[np.ndarray, "H W 3"]:
        """The picture of one moment, red, green and blue from 0 to 255, always of one size.

        Args:
            state: The environment's state, of NumPy arrays.
        """
