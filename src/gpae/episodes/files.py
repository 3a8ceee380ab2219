"""Films as files: a GIF, an MP4, or a PNG with six of their moments."""

import io
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import numpy as np
from PIL import Image

from gpae.episodes import theme
from gpae.errors import UserError
from gpae.extras import missing_extras
from gpae.runs.files import disk_errors, write_atomically

Watched: TypeAlias = Callable[[Sequence[int]], Iterable[int]]
"""A function that passes numbers on and shows how far it is."""

SHEET = 2, 3
"""Columns and rows of a PNG."""

HELD = 1.5
"""Seconds for which the last picture stays."""

_COLOURS = 96
_SAMPLED = 6


class Drawn(Protocol):
    """Pictures of one size, such as a list of them, or a film that draws them when asked."""

    def __len__(self) -> int:
        """Their number."""

    def __getitem__(self, moment: int, /) -> Image.Image:
        """One of them."""


@dataclass(frozen=True)
class Timing:
    """The pictures of a film that are shown, and for how long.

    Attributes:
        fps: Pictures a second.
        every: Show every so many pictures, and the last.
        smooth: Pictures a step, where units are drawn.
    """

    fps: float = 8.0
    every: int = 1
    smooth: int = 1

    def moments(self, count: int) -> list[int]:
        """The numbers of the moments shown, of ``count``."""
        return [*range(0, count - 1, self.every), count - 1]


def require_format(path: Path) -> None:
    """Refuse a file that cannot be written because of its name or of what is not installed.

    Raises:
        UserError: The file is no GIF, MP4 or PNG by its name, or an MP4's encoder is missing.
    """
    if path.suffix.lower() not in _WRITERS:
        raise UserError(f"{path.name}: its name must end with .gif, .mp4 or .png")
    if path.suffix.lower() == ".mp4":
        with missing_extras("an MP4"):
            import imageio_ffmpeg  # noqa: F401


def write_film(film: Drawn, path: Path, timing: Timing, watched: Watched = iter) -> int:
    """Write a film in the format of its file's name, in one step.

    Args:
        film: The pictures of all moments.
        path: The file, ``.gif``, ``.mp4`` or ``.png``; its folder is made if there is none.
        timing: The pictures that are shown; a PNG is a sheet of six moments, evenly apart.
        watched: Shows how far it is.

    Returns:
        The number of pictures written.

    Raises:
        UserError: The format is another one, its encoder is missing, or the disk refused.
    """
    require_format(path)
    with disk_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        return _WRITERS[path.suffix.lower()](film, path, timing, watched)


def _write_gif(film: Drawn, path: Path, timing: Timing, watched: Watched) -> int:
    moments = timing.moments(len(film))
    palette = _palette([film[moment] for moment in _evenly(len(film), _SAMPLED)])
    pictures = (
        film[moment].quantize(palette=palette, dither=Image.Dither.NONE)
        for moment in watched(moments)
    )
    durations = [round(1000 / timing.fps)] * len(moments)
    durations[-1] += round(1000 * HELD)
    contents, first = io.BytesIO(), next(pictures)
    first.save(contents, "GIF", save_all=True, append_images=pictures, duration=durations, loop=0)
    write_atomically(path, contents.getvalue())
    return len(moments)


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """The colours of all pictures together."""
    width, height = pictures[0].size
    together = Image.new("RGB", (width, height * len(pictures)))
    for place, picture in enumerate(pictures):
        together.paste(picture, (0, place * height))
    return together.quantize(_COLOURS, dither=Image.Dither.NONE)


def _write_png(film: Drawn, path: Path, timing: Timing, watched: Watched) -> int:
    columns, rows = SHEET
    moments = _evenly(len(film), columns * rows)
    gap = max(2, film[0].width // 60)
    width, height = (size + gap for size in film[0].size)
    rows = -(-len(moments) // columns)
    sheet = Image.new("RGB", (columns * width + gap, rows * height + gap), theme.LINE)
    for place in watched(range(len(moments))):
        row, column = divmod(place, columns)
        sheet.paste(film[moments[place]], (column * width + gap, row * height + gap))
    contents = io.BytesIO()
    sheet.save(contents, "PNG", optimize=True)
    write_atomically(path, contents.getvalue())
    return len(moments)


def _evenly(count: int, most: int) -> list[int]:
    """At most so many of ``count`` moments, evenly apart, the first and the last among them."""
    return sorted({round(place) for place in np.linspace(0, count - 1, min(most, count))})


def _write_mp4(film: Drawn, path: Path, timing: Timing, watched: Watched) -> int:
    import imageio_ffmpeg

    moments = timing.moments(len(film))
    temporary = path.with_name(f"{path.stem}.partial.mp4")
    writer = imageio_ffmpeg.write_frames(
        str(temporary), film[0].size, fps=timing.fps, macro_block_size=2, ffmpeg_log_level="error"
    )
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=r"os\.fork")  # the encoder uses no JAX
            writer.send(None)
        for moment in watched(moments):
            writer.send(film[moment].tobytes())
        for _ in range(round(HELD * timing.fps)):
            writer.send(film[len(film) - 1].tobytes())
        writer.close()
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return len(moments)


_WRITERS = {".gif": _write_gif, ".mp4": _write_mp4, ".png": _write_png}
