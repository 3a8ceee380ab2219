"""The kitchens of JaxMARL's two Overcooked games in one form, for their picture."""

from dataclasses import dataclass
from typing import Any

import numpy as np

NOTHING_HELD: tuple[int, ...] = ()
_SOUP_OF_ONIONS = (0, 0, 0)


@dataclass(frozen=True)
class Food:
    """Something that is held, or lies on a counter or in a pot.

    Attributes:
        ingredients: The number of the kind of each ingredient.
        plate: Whether it is or has a plate.
    """

    ingredients: tuple[int, ...] = NOTHING_HELD
    plate: bool = False


@dataclass(frozen=True)
class Cell:
    """A cell of a kitchen.

    Attributes:
        kind: ``floor``, ``counter``, ``goal``, ``pot``, ``plates``, ``pile`` or ``recipe``.
        food: What lies there; on a pile, one piece of it.
        cooked: Share of the time to cook that has passed; None before it begins.
    """

    kind: str
    food: Food = Food()
    cooked: float | None = None


@dataclass(frozen=True)
class Cook:
    """A cook.

    Attributes:
        column: Column of the cell, from the left.
        row: Row, from the top.
        facing: Step to the cell that the cook faces: columns and rows.
        food: What the cook holds.
    """

    column: int
    row: int
    facing: tuple[int, int]
    food: Food


@dataclass(frozen=True)
class Kitchen:
    """A kitchen at one moment: its cells by row and column, and its cooks by agent."""

    cells: tuple[tuple[Cell, ...], ...]
    cooks: tuple[Cook, ...]


_FACING = ((0, -1), (0, 1), (1, 0), (-1, 0))
"""North, south, east, west, by JaxMARL's numbers."""

_FIRST_KINDS = {
    2: Cell("counter"),
    3: Cell("counter", Food((0,))),
    4: Cell("pile", Food((0,))),
    5: Cell("counter", Food(plate=True)),
    6: Cell("plates"),
    7: Cell("goal"),
    9: Cell("counter", Food(_SOUP_OF_ONIONS, plate=True)),
}
"""Cells by the numbers of Overcooked's objects; another is floor, and 8 a pot."""

_FIRST_HELD = {3: Food((0,)), 5: Food(plate=True), 9: Food(_SOUP_OF_ONIONS, plate=True)}

_EMPTY_POT, _FULL_POT, _TIME_TO_COOK = 23, 20, 20

_SECOND_KINDS = {0: "floor", 1: "counter", 4: "goal", 5: "pot", 6: "recipe", 7: "recipe"}
"""Kinds by the numbers of OvercookedV2's static objects; 9 are plates, 10 and more piles."""


def overcooked_kitchen(game: Any, state: Any) -> Kitchen:
    """The kitchen of a state of Overcooked.

    Args:
        game: JaxMARL's environment.
        state: One of its states.
    """
    padding = (state.maze_map.shape[0] - game.height) // 2
    inside = state.maze_map[padding:-padding, padding:-padding].astype(int)
    return Kitchen(
        cells=tuple(tuple(_first_cell(*cell) for cell in row) for row in inside),
        cooks=tuple(
            Cook(int(x), int(y), _FACING[int(facing)], _FIRST_HELD.get(int(held), Food()))
            for (x, y), facing, held in zip(
                state.agent_pos, state.agent_dir_idx, state.agent_inv, strict=True
            )
        ),
    )


def _first_cell(kind: int, _: int, status: int) -> Cell:
    if kind != 8:
        return _FIRST_KINDS.get(kind, Cell("floor"))
    onions = min(_EMPTY_POT - status, 3)
    cooking = status < _FULL_POT or (status == _FULL_POT and onions == 3)
    return Cell("pot", Food((0,) * onions), 1 - status / _TIME_TO_COOK if cooking else None)


def overcooked_v2_kitchen(game: Any, state: Any) -> Kitchen:
    """The kitchen of a state of OvercookedV2.

    Args:
        game: JaxMARL's environment.
        state: One of its states.
    """
    del game
    agents = state.agents
    recipe = _second_food(int(state.recipe) | 1)
    return Kitchen(
        cells=tuple(
            tuple(_second_cell(*map(int, cell), recipe=recipe) for cell in row)
            for row in state.grid
        ),
        cooks=tuple(
            Cook(int(x), int(y), _FACING[int(facing)], _second_food(int(held)))
            for x, y, facing, held in zip(
                *(np.ravel(each) for each in (agents.pos.x, agents.pos.y)),
                np.ravel(agents.dir),
                np.ravel(agents.inventory),
                strict=True,
            )
        ),
    )


def _second_cell(kind: int, held: int, time_left: int, *, recipe: Food) -> Cell:
    if kind >= 10:
        return Cell("pile", Food((kind - 10,)))
    if kind == 9:
        return Cell("plates")
    name = _SECOND_KINDS.get(kind, "floor")
    if name == "recipe":
        return Cell(name, recipe if kind == 6 or time_left > 0 else Food())
    if name != "pot":
        return Cell(name, _second_food(held))
    cooking = time_left > 0 or held & 2
    return Cell(name, _second_food(held), 1 - time_left / _TIME_TO_COOK if cooking else None)


def _second_food(code: int) -> Food:
    """Food by its bits: a plate, whether it is cooked, then two bits a kind for its count."""
    counts = (code >> 2 >> 2 * kind & 3 for kind in range(14))
    ingredients = tuple(kind for kind, count in enumerate(counts) for _ in range(count))
    return Food(ingredients, bool(code & 1))
