"""Figures of several panels: their layout, palette, legend, and the files they are written to."""

import io
from collections.abc import Sequence
from itertools import cycle
from math import ceil
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Colour-blind safe palette of Okabe and Ito."""

PICTURE_FORMATS = ("png", "pdf", "svg")
"""Picture formats, which are also the file names' endings."""

MAX_COLUMNS = 4
"""The most panels beside each other, and entries of a legend."""

_LINES = ("-", "--", "-.", ":")
_PANEL_WIDTH, _PANEL_HEIGHT = 4.2, 3.2
_LEGEND_ROW_HEIGHT = 0.2
_DOTS_PER_INCH = 150


def line_styles(labels: Sequence[str]) -> dict[str, tuple[str, str]]:
    """A colour and a kind of line for each label."""
    return dict(zip(labels, zip(cycle(COLOURS), cycle(_LINES), strict=False), strict=False))


def make_panels(
    tasks: Sequence[str], metric: str, direction: str, most_columns: int = MAX_COLUMNS
) -> tuple[Figure, list[Axes]]:
    """A figure of panels over environment steps.

    Args:
        tasks: A heading for each panel.
        metric: The metric that all of them show; empty where each is labelled later.
        direction: The direction in which it is better: ``maximise`` or ``minimise``.
        most_columns: The most panels beside each other.
    """
    columns = min(len(tasks), most_columns)
    rows = ceil(len(tasks) / columns)
    figure = Figure(
        figsize=(_PANEL_WIDTH * columns + 0.6, _PANEL_HEIGHT * rows + 0.8),
        dpi=_DOTS_PER_INCH,
        layout="constrained",
    )
    panels = [figure.add_subplot(rows, columns, index + 1) for index in range(len(tasks))]
    for task, axes in zip(tasks, panels, strict=True):
        axes.set_title(task)
        axes.set_xlabel("environment steps")
        axes.set_ylabel(axis_label(metric, direction))
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        plain_axes(axes)
        if metric == "win_rate":
            axes.set_ylim(-0.02, 1.02)
    return figure, panels


def plain_axes(axes: Axes) -> None:
    """Give axes a faint grid, and no frame where there is no scale."""
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def axis_label(metric: str, direction: str) -> str:
    """A metric in words, with its unit, and a remark where smaller is better."""
    units = {"win_rate": "win rate (fraction of episodes)", "episode_return": "episode return"}
    label = units.get(metric, metric.replace("_", " "))
    return f"{label} (smaller is better)" if direction == "minimise" else label


def add_legend(figure: Figure, panels: Sequence[Axes]) -> None:
    """Add one legend below all panels, each line once, in as many columns as fit."""
    handles = {
        label: handle
        for axes in panels
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    renderer = FigureCanvasAgg(figure).get_renderer()
    for columns in range(min(len(handles), MAX_COLUMNS), 0, -1):
        legend = figure.legend(
            handles.values(),
            handles.keys(),
            loc="outside lower center",
            ncols=columns,
            frameon=False,
        )
        if columns == 1 or legend.get_window_extent(renderer).width <= figure.bbox.width:
            rows = ceil(len(handles) / columns)
            figure.set_figheight(figure.get_figheight() + _LEGEND_ROW_HEIGHT * (rows - 1))
            return
        legend.remove()


def picture_format(output: Path) -> str:
    """Picture format of a file name's ending; PNG if it has no ending.

    Raises:
        UserError: If the ending is none of :data:`PICTURE_FORMATS`.
    """
    ending = output.suffix.removeprefix(".").lower() or "png"
    if ending not in PICTURE_FORMATS:
        raise UserError(f"{output} is not a picture file: end it in .{', .'.join(PICTURE_FORMATS)}")
    return ending


def save_picture(figure: Figure, output: Path) -> None:
    """Write a figure in the format of the file name's ending.

    Raises:
        UserError: The ending is of no picture format, or the file cannot be written.
    """
    output, picture = Path(output), io.BytesIO()
    figure.savefig(picture, format=picture_format(output))
    with disk_errors(f"write {output}"):
        output.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(output, picture.getvalue())
