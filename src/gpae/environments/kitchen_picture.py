"""The picture of a kitchen, drawn cell by cell with Pillow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from gpae.environments.kitchens import (
    Cell,
    Cook,
    Food,
    Kitchen,
    overcooked_kitchen,
    overcooked_v2_kitchen,
)
from gpae.environments.pictures import Colour, agent_colour

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

TILE = 64
"""Width and height of a cell in pixels."""

_OVERSAMPLING = 2

FLOOR: Colour = (243, 244, 241)
_LINE: Colour = (226, 228, 222)
_WOOD: Colour = (214, 190, 152)
_EDGE: Colour = (176, 148, 106)
_GOAL: Colour = (111, 178, 127)
_POT: Colour = (58, 63, 72)
_PLATE: Colour = (255, 255, 255)
_RIM: Colour = (150, 154, 160)
_DONE: Colour = (62, 174, 92)
_WAITING: Colour = (233, 172, 38)
_FOODS: tuple[Colour, ...] = (
    (244, 190, 46),
    (70, 150, 60),
    (150, 70, 170),
    (60, 170, 190),
    (210, 60, 50),
    (230, 130, 40),
)


def overcooked_picture(game: Any, state: Any) -> UInt8[np.ndarray, "H W 3"]:
    """The picture of a state of Overcooked."""
    return kitchen_picture(overcooked_kitchen(game, state))


def overcooked_v2_picture(game: Any, state: Any) -> UInt8[np.ndarray, "H W 3"]:
    """The picture of a state of OvercookedV2."""
    return kitchen_picture(overcooked_v2_kitchen(game, state))


def kitchen_picture(kitchen: Kitchen) -> UInt8[np.ndarray, "H W 3"]:
    """The picture of a kitchen.

    Args:
        kitchen: The kitchen, of H x W cells.

    Returns:
        The picture, [64 H, 64 W, 3].
    """
    from PIL import Image, ImageDraw

    rows, columns = len(kitchen.cells), len(kitchen.cells[0])
    size = columns * TILE, rows * TILE
    image = Image.new("RGB", (size[0] * _OVERSAMPLING, size[1] * _OVERSAMPLING), FLOOR)
    pen = ImageDraw.Draw(image)
    for row, cells in enumerate(kitchen.cells):
        for column, cell in enumerate(cells):
            _draw_cell(_Tile(pen, column, row), cell)
    for agent, cook in enumerate(kitchen.cooks):
        _draw_cook(_Tile(pen, cook.column, cook.row), cook, agent_colour(agent))
    return np.asarray(image.resize(size, Image.Resampling.LANCZOS))


@dataclass(frozen=True)
class _Tile:
    """A cell of the drawing, in which places are from 0 to 1."""

    pen: "ImageDraw"
    column: int
    row: int

    def _point(self, x: float, y: float) -> tuple[float, float]:
        side = TILE * _OVERSAMPLING
        return (self.column + x) * side, (self.row + y) * side

    def box(
        self, left: float, top: float, right: float, bottom: float, fill: Colour, round_: float = 0
    ) -> None:
        """A rectangle with round corners."""
        corners = (*self._point(left, top), *self._point(right, bottom))
        self.pen.rounded_rectangle(corners, round_ * TILE * _OVERSAMPLING, fill)

    def disc(
        self, x: float, y: float, radius: float, fill: Colour, rim: Colour | None = None
    ) -> None:
        """A disc, with a rim or without."""
        corners = *self._point(x - radius, y - radius), *self._point(x + radius, y + radius)
        self.pen.ellipse(corners, fill, rim, 0 if rim is None else 2 * _OVERSAMPLING)

    def food(self, food: Food, x: float, y: float, scale: float = 1.0) -> None:
        """A plate and ingredients around a place."""
        if food.plate:
            self.disc(x, y, 0.3 * scale, _PLATE, _RIM)
        count = len(food.ingredients)
        apart = 0.13 * scale if count > 1 else 0.0
        for place, kind in enumerate(food.ingredients):
            angle = 2 * np.pi * place / count - np.pi / 2
            centre = x + apart * np.cos(angle), y + apart * np.sin(angle)
            self.disc(*centre, 0.13 * scale, _FOODS[kind % len(_FOODS)], _POT)


def _draw_cell(tile: _Tile, cell: Cell) -> None:
    if cell.kind == "floor":
        tile.box(0, 0, 1, 1, _LINE)
        tile.box(0.015, 0.015, 0.985, 0.985, FLOOR)
        return
    tile.box(0, 0, 1, 1, _EDGE)
    tile.box(0.02, 0.02, 0.98, 0.94, _GOAL if cell.kind == "goal" else _WOOD, 0.06)
    if cell.kind == "goal":
        tile.box(0.2, 0.42, 0.8, 0.54, _PLATE, 0.05)
    elif cell.kind == "plates":
        for rise in (0.58, 0.48, 0.38):
            tile.disc(0.5, rise, 0.28, _PLATE, _RIM)
    elif cell.kind == "pile":
        for x, y in ((0.3, 0.3), (0.68, 0.3), (0.5, 0.5), (0.28, 0.68), (0.7, 0.68)):
            tile.food(cell.food, x, y, 1.1)
    elif cell.kind == "pot":
        _draw_pot(tile, cell)
    else:
        tile.food(cell.food, 0.5, 0.48)


def _draw_pot(tile: _Tile, cell: Cell) -> None:
    """A pot from above, and a bar of the time that its food has cooked."""
    tile.box(0.06, 0.36, 0.94, 0.5, _POT, 0.05)
    tile.disc(0.5, 0.43, 0.36, _POT)
    tile.disc(0.5, 0.43, 0.28, (96, 102, 112))
    tile.food(Food(cell.food.ingredients), 0.5, 0.43)
    if cell.cooked is not None:
        tile.box(0.1, 0.83, 0.9, 0.93, _POT, 0.03)
        done = 0.12 + 0.76 * float(np.clip(cell.cooked, 0.0, 1.0))
        if done > 0.14:
            tile.box(0.12, 0.85, done, 0.91, _DONE if cell.cooked >= 1 else _WAITING)


def _draw_cook(tile: _Tile, cook: Cook, colour: Colour) -> None:
    """A cook in a white hat, with two hands on the side of what the cook faces."""
    x, y = cook.facing
    for side in (-1, 1):
        tile.disc(0.5 + 0.3 * x + 0.2 * side * y, 0.5 + 0.3 * y + 0.2 * side * x, 0.1, colour)
    tile.disc(0.5, 0.5, 0.34, colour, _PLATE)
    tile.disc(0.5 - 0.1 * x, 0.5 - 0.1 * y, 0.15, _PLATE)
    tile.food(cook.food, 0.5 + 0.34 * x, 0.5 + 0.34 * y, 0.75)
