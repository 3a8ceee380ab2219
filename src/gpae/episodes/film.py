"""Films: the pictures of an episode, with a line above them and mostly one below."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageDraw, ImageFont

from gpae.environments import Units
from gpae.episodes import theme
from gpae.episodes.captions import Words, has_line_below, line_above, line_below
from gpae.episodes.recording import Episode
from gpae.episodes.scene import Scene
from gpae.episodes.units_picture import UnitsPictures, smoothed

_COARSE = 4
"""Enlargement from which on a picture's pixels keep hard edges."""


@dataclass(frozen=True)
class Film:
    """The pictures of an episode, all of one size, each drawn when it is asked for.

    Attributes:
        title: The words above on the left.
        episode: The episode.
        scene: Its scene.
        width: Width of a picture in pixels.
        smooth: Pictures a step, between which units glide; 1 where an environment draws itself.
    """

    title: str
    episode: Episode
    scene: Scene
    width: int
    smooth: int = 1

    @property
    def per_step(self) -> int:
        """Pictures a step."""
        return self.smooth if isinstance(self.scene, Units) else 1

    def __len__(self) -> int:
        """The number of pictures, of T steps and the moment before them."""
        return self.per_step * len(self.episode) + 1

    def __iter__(self) -> Iterator[Image.Image]:
        return (self[number] for number in range(len(self)))

    def __getitem__(self, number: int) -> Image.Image:
        """A picture with its lines, counted from 0; width and height are even."""
        if not 0 <= number < len(self):
            raise IndexError(number)
        picture, line, moment = self._picture(number), self.line_height, number // self.per_step
        below = line if has_line_below(self.episode, self.scene) else 0
        height = line + picture.height + below
        page = Image.new("RGB", (self._even_width, height + height % 2), theme.PAPER)
        page.paste(picture, (0, line))
        self._write_above(page, line_above(self.episode, moment))
        if below:
            self._write_below(page, line_below(self.episode, self.scene, moment))
        return page

    @property
    def line_height(self) -> int:
        """Height of a line of text, in pixels; the picture begins below the first."""
        return max(16, round(0.06 * self.width))

    @property
    def _even_width(self) -> int:
        return self.width + self.width % 2

    @cached_property
    def _units(self) -> UnitsPictures | None:
        if not isinstance(self.scene, Units):
            return None
        return UnitsPictures(smoothed(self.scene, self.smooth), self._even_width)

    def _picture(self, number: int) -> Image.Image:
        if self._units is not None:
            return self._units[number]
        assert not isinstance(self.scene, Units)
        return scaled(Image.fromarray(self.scene[number]), self._even_width)

    def _write_above(self, page: Image.Image, text: str) -> None:
        pen, pad, middle = ImageDraw.Draw(page), self.line_height // 3, self.line_height / 2
        size = round(0.48 * self.line_height)
        title = theme.font(size, bold=True)
        right = page.width - pad - pen.textlength(text, theme.font(size))
        words = shortened(self.title, title, right - 3 * pad)
        pen.text((pad, middle), words, theme.INK, title, anchor="lm")
        pen.text((right, middle), text, theme.INK, theme.font(size), anchor="lm")

    def _write_below(self, page: Image.Image, words: list[Words]) -> None:
        pen, place = ImageDraw.Draw(page), float(self.line_height // 3)
        font = theme.font(round(0.44 * self.line_height))
        for text, colour in words:
            pen.text((place, page.height - self.line_height / 2), text, colour, font, anchor="lm")
            place += pen.textlength(text, font) + self.line_height / 2


def shortened(text: str, font: ImageFont.FreeTypeFont, width: float) -> str:
    """As much of a text as fits, with an ellipsis where some is missing.

    Args:
        text: The text.
        font: The font that it is written in.
        width: The most pixels that it may take.
    """
    if font.getlength(text) <= width:
        return text
    ends = range(len(text), 0, -1)
    fits = (f"{text[:end]}…" for end in ends if font.getlength(f"{text[:end]}…") <= width)
    return next(fits, "")


def scaled(picture: Image.Image, width: int) -> Image.Image:
    """A picture of the given width, smoothed unless a few large pixels are made larger still.

    Args:
        picture: The picture.
        width: The width in pixels.
    """
    size = width, max(1, round(picture.height * width / picture.width))
    coarse = width >= _COARSE * picture.width
    return picture.resize(size, Image.Resampling.NEAREST if coarse else Image.Resampling.LANCZOS)
