"""Colours and fonts of pictures."""

from functools import cache
from pathlib import Path

from PIL import ImageFont

from gpae.environments.pictures import LANDMARK, OPPONENT, TEAM, Colour

PAPER: Colour = (255, 255, 255)
GROUND: Colour = (243, 244, 241)
LINE: Colour = (226, 228, 222)
WALL: Colour = (196, 199, 190)
INK: Colour = (34, 38, 46)
FAINT_INK: Colour = (112, 118, 128)
BAR: Colour = (58, 63, 72)
SIDES: dict[str, Colour] = {
    TEAM: (37, 99, 201),
    OPPONENT: (207, 62, 48),
    LANDMARK: (176, 181, 172),
}
"""The colour of each side's units."""

HEALTH: tuple[tuple[float, Colour], ...] = (
    (0.5, (62, 174, 92)),
    (0.25, (233, 172, 38)),
    (0.0, (222, 74, 58)),
)
"""Colours of health bars, each down to its share of full health."""

ENDINGS: dict[str, Colour] = {"victory": (33, 138, 84), "defeat": SIDES[OPPONENT]}
"""The colour of each ending; the others have the ink's."""


@cache
def font(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """The font of all writing, which Matplotlib brings along.

    Args:
        size: Its height in pixels.
        bold: Whether it is bold.
    """
    import matplotlib

    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path(), "fonts/ttf", name), size)


def health_colour(share: float) -> Colour:
    """The colour of a health bar.

    Args:
        share: Share of full health.
    """
    return next(colour for least, colour in HEALTH if share >= least)
