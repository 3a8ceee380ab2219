"""Pictures of units in the plane, drawn from their arrays."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw

from gpae.environments import Units
from gpae.environments.pictures import LANDMARK, Colour
from gpae.episodes import theme

OVERSAMPLING = 3
"""Pixels drawn for each pixel of the picture, in both directions."""

LEAST_HEIGHT = 0.56
"""Least height of a picture, as a share of its width."""

MOST_NUMBERED = 16
"""Most agents whose numbers are written beside them."""

CROWD = 30
"""Units from which on their health bars are small."""

_MARGIN = 0.07
_FINE, _COARSE, _WIDE = 0.5, 4.0, 8.0


@dataclass(frozen=True)
class View:
    """The part of the plane that a picture shows.

    Attributes:
        left: Its left edge, in the units of positions.
        top: Its upper edge.
        scale: Pixels a unit.
        size: Width and height in pixels.
    """

    left: float
    top: float
    scale: float
    size: tuple[int, int]

    def point(self, position: Float[np.ndarray, "2"]) -> tuple[float, float]:
        """The pixel of a position."""
        x, y = position
        return (float(x) - self.left) * self.scale, (self.top - float(y)) * self.scale

    def circle(self, position: Float[np.ndarray, "2"], radius: float) -> tuple[float, ...]:
        """The corners of the square around a circle."""
        (x, y), pixels = self.point(position), radius * self.scale
        return x - pixels, y - pixels, x + pixels, y + pixels


def view_of(units: Units, width: int) -> View:
    """A view of every place where a unit is in an episode, no more than that and its margin.

    Args:
        units: The units.
        width: Width of the picture in pixels.
    """
    low = (units.positions - units.radii[:, None]).min((0, 1))
    high = (units.positions + units.radii[:, None]).max((0, 1))
    centre, margin = (low + high) / 2, 2 * _MARGIN * (high - low).max()
    extent = high - low + margin
    extent[0] = max(extent[0], extent[1])
    extent[1] = max(extent[1], LEAST_HEIGHT * extent[0])
    left, top = centre[0] - extent[0] / 2, centre[1] + extent[1] / 2
    scale = width / extent[0]
    return View(float(left), float(top), float(scale), (width, round(extent[1] * scale)))


def smoothed(units: Units, pictures: int) -> Units:
    """Units that glide from moment to moment, with so many pictures a step.

    Args:
        units: The units at T + 1 moments.
        pictures: Number K of pictures a step.

    Returns:
        The units at K T + 1 moments: positions and health between those of the moments around, all
        else as at the moment before.
    """
    places = np.arange(pictures * (len(units) - 1) + 1) / pictures
    before = np.floor(places).astype(int)
    after, share = np.ceil(places).astype(int), (places - before)[:, None]
    steps = np.minimum(before, max(len(units) - 2, 0))
    health, targets = units.health, units.targets
    positions = units.positions
    return replace(
        units,
        positions=positions[before] + share[..., None] * (positions[after] - positions[before]),
        alive=units.alive[before],
        health=None if health is None else (1 - share) * health[before] + share * health[after],
        targets=None if targets is None else targets[steps[:-1]],
        notes=tuple(units.notes[moment] for moment in before) if units.notes else (),
    )


@dataclass(frozen=True)
class UnitsPictures:
    """The pictures of the moments of an episode of units.

    Attributes:
        units: The units.
        width: Width of a picture in pixels.
    """

    units: Units
    width: int

    def __len__(self) -> int:
        """The number of moments."""
        return len(self.units)

    def __getitem__(self, moment: int) -> Image.Image:
        """The picture of one moment, counted from 0."""
        if not 0 <= moment < len(self):
            raise IndexError(moment)
        return _Drawing(self.units, self._drawn_view, moment, self._ground.copy()).finished(
            self.view.size
        )

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[moment] for moment in range(len(self)))

    @cached_property
    def view(self) -> View:
        """The part of the plane that they show."""
        return view_of(self.units, self.width)

    @cached_property
    def _drawn_view(self) -> View:
        view, (width, height) = self.view, self.view.size
        size = width * OVERSAMPLING, height * OVERSAMPLING
        return View(view.left, view.top, view.scale * OVERSAMPLING, size)

    @cached_property
    def _ground(self) -> Image.Image:
        """The ground with lines, and a wall around it where the world has an edge."""
        view, area = self._drawn_view, self.units.area
        ground = Image.new("RGB", view.size, theme.GROUND)
        pen = ImageDraw.Draw(ground)
        low = np.array([view.left, view.top - view.size[1] / view.scale])
        high = np.array([view.left + view.size[0] / view.scale, view.top])
        spacing = _FINE if high[0] - low[0] < _WIDE else _COARSE
        for axis in (0, 1):
            first = np.ceil(low[axis] / spacing) * spacing
            for place in np.arange(first, high[axis], spacing):
                ends = low.copy(), high.copy()
                ends[0][axis] = ends[1][axis] = place
                pen.line([view.point(end) for end in ends], theme.LINE, OVERSAMPLING)
        if area is not None:
            left, top = view.point(np.array([area[0], area[3]]))
            right, bottom = view.point(np.array([area[2], area[1]]))
            reach = 4 * max(view.size)
            outside = left - reach, top - reach, right + reach, bottom + reach
            pen.rectangle(outside, outline=theme.WALL, width=reach)
        return ground


@dataclass(frozen=True)
class _Drawing:
    """The drawing of one moment."""

    units: Units
    view: View
    moment: int
    image: Image.Image

    def finished(self, size: tuple[int, int]) -> Image.Image:
        """Everything drawn, at the picture's size."""
        for draw in (
            self._ranges,
            self._landmarks,
            self._dead,
            self._attacks,
            self._living,
            self._rims,
        ):
            draw()
        if self.moment == len(self.units) - 1 and self.units.ending:
            self._ending()
        return self.image.resize(size, Image.Resampling.LANCZOS)

    @property
    def _pen(self) -> ImageDraw.ImageDraw:
        return ImageDraw.Draw(self.image)

    @property
    def _clear_pen(self) -> ImageDraw.ImageDraw:
        """A pen whose colours may be transparent."""
        return ImageDraw.Draw(self.image, "RGBA")

    def _position(self, unit: int) -> Float[np.ndarray, "2"]:
        return self.units.positions[self.moment, unit]

    def _those(self, *, alive: bool) -> Iterator[int]:
        """The units that are alive, or dead, at the moment, without landmarks."""
        for unit in np.flatnonzero(self.units.alive[self.moment] == alive):
            if self.units.sides[unit] != LANDMARK:
                yield int(unit)

    def _colour(self, unit: int) -> Colour:
        return theme.SIDES[self.units.sides[unit]]

    def _ranges(self) -> None:
        if self.units.ranges is None:
            return
        crowd = max(1.0, len(self.units.sides) / 10)
        pen = self._clear_pen
        for unit in self._those(alive=True):
            if self.units.ranges[unit] > 0:
                circle = self.view.circle(self._position(unit), float(self.units.ranges[unit]))
                shade = (
                    (*self._colour(unit), int(11 / crowd)),
                    (*self._colour(unit), int(70 / crowd)),
                )
                pen.ellipse(circle, shade[0], shade[1], OVERSAMPLING)

    def _landmarks(self) -> None:
        pen = self._pen
        for unit, side in enumerate(self.units.sides):
            if side == LANDMARK:
                circle = self.view.circle(self._position(unit), float(self.units.radii[unit]))
                pen.ellipse(circle, theme.SIDES[side])

    def _rims(self) -> None:
        """The rims of landmarks and their words, over the units that stand on them."""
        for unit, side in enumerate(self.units.sides):
            if side == LANDMARK:
                circle = self.view.circle(self._position(unit), float(self.units.radii[unit]))
                self._pen.ellipse(circle, outline=theme.FAINT_INK, width=OVERSAMPLING)
                font = theme.font(12 * OVERSAMPLING)
                place = (circle[0] + circle[2]) / 2, circle[3] + 10 * OVERSAMPLING
                self._pen.text(place, self.units.marks[unit], theme.INK, font, anchor="mm")

    def _dead(self) -> None:
        pen = self._clear_pen
        for unit in self._those(alive=False):
            x, y = self.view.point(self._position(unit))
            arm = 0.7 * float(self.units.radii[unit]) * self.view.scale
            colour = (*self._colour(unit), 130)
            for slope in (-1, 1):
                ends = (x - arm, y - slope * arm, x + arm, y + slope * arm)
                pen.line(ends, colour, 3 * OVERSAMPLING)

    def _attacks(self) -> None:
        targets = self.units.targets
        if targets is None or self.moment >= len(targets):
            return
        for unit in self._those(alive=True):
            if targets[self.moment, unit] >= 0:
                self._beam(unit, int(targets[self.moment, unit]))

    def _beam(self, unit: int, target: int) -> None:
        """A beam that narrows towards the unit attacked, and a ring around that.

        It passes the middle on the left, so that two units that attack each other show two.
        """
        ends = np.array([self.view.point(self._position(each)) for each in (unit, target)])
        along = (ends[1] - ends[0]) / max(float(np.linalg.norm(ends[1] - ends[0])), 1e-6)
        aside = np.array([along[1], -along[0]]) * self.view.scale
        ends[1] -= along * float(self.units.radii[target]) * self.view.scale
        corners = ends[0] + 0.22 * aside, ends[0], ends[1]
        pen, colour = self._clear_pen, self._colour(unit)
        pen.polygon([tuple(corner) for corner in corners], (*colour, 190))
        circle = self.view.circle(self._position(target), 1.32 * float(self.units.radii[target]))
        pen.ellipse(circle, outline=(*colour, 170), width=2 * OVERSAMPLING)

    def _living(self) -> None:
        pen, units = self._pen, self.units
        team = units.agents.max() + 1
        for unit in self._those(alive=True):
            radius = float(units.radii[unit])
            x, y = self.view.point(self._position(unit))
            pen.ellipse(
                self.view.circle(self._position(unit), radius),
                self._colour(unit),
                theme.PAPER,
                2 * OVERSAMPLING,
            )
            pixels = radius * self.view.scale
            if units.marks[unit]:
                font = theme.font(round(1.05 * pixels), bold=True)
                pen.text((x, y), units.marks[unit], theme.PAPER, font, anchor="mm")
            if units.health is not None:
                self._health(pen, unit, x, y, pixels)
                if units.agents[unit] >= 0 and team <= MOST_NUMBERED:
                    font = theme.font(max(10 * OVERSAMPLING, round(0.8 * pixels)))
                    number = str(units.agents[unit])
                    pen.text((x, y + 1.75 * pixels), number, self._colour(unit), font, anchor="mm")

    def _health(
        self, pen: ImageDraw.ImageDraw, unit: int, x: float, y: float, radius: float
    ) -> None:
        """A health bar above a unit at a point; a small one in a crowd."""
        assert self.units.health is not None
        share = float(np.clip(self.units.health[self.moment, unit], 0.0, 1.0))
        crowded = len(self.units.sides) >= CROWD
        rise, half, high = (1.4, 0.9, 1.0) if crowded else (1.75, 1.3, 2.2)
        y, half, high, rim = y - rise * radius, half * radius, high * OVERSAMPLING, OVERSAMPLING
        pen.rectangle((x - half - rim, y - high - rim, x + half + rim, y + high + rim), theme.BAR)
        right = x - half + 2 * half * share
        pen.rectangle((x - half, y - high, right, y + high), theme.health_colour(share))

    def _ending(self) -> None:
        width, height = self.view.size
        text, font = self.units.ending, theme.font(round(0.055 * width), bold=True)
        colour = theme.ENDINGS.get(text, theme.INK)
        place = width / 2, 0.13 * height
        left, top, right, bottom = self._pen.textbbox(place, text, font, anchor="mm")
        pad = 0.02 * width
        box = left - pad, top - 0.7 * pad, right + pad, bottom + 0.7 * pad
        self._clear_pen.rounded_rectangle(
            box, pad, (*theme.PAPER, 225), (*colour, 255), OVERSAMPLING
        )
        self._pen.text(place, text, colour, font, anchor="mm")
