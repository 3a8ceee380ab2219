"""Pictures of a report: learning curves, final scores, profiles, probabilities."""

from collections.abc import Sequence
from math import ceil
from textwrap import fill

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gpae.report.curves import Panel, curves_figure
from gpae.report.document.entries import Comparison, Entry
from gpae.report.document.over_tasks import THRESHOLDS, Improvement, Normalised, Profile
from gpae.report.drawing import COLOURS, add_legend, axis_label, line_styles, plain_axes
from gpae.report.statistics import summarise

_FRACTION = (-0.02, 1.02)
_COLUMNS = 2
_NAME_WIDTH = 36


def learning_curves(comparison: Comparison) -> Figure:
    """A panel a task: each label's mean with its interval, and every seed."""
    panels = []
    for task in comparison.tasks:
        entries = comparison.of_task(task)
        lines = {
            entry.label: [
                (run.steps, curve) for run, curve in zip(entry.runs, entry.curves, strict=True)
            ]
            for entry in entries
        }
        first = entries[0]
        limits = _FRACTION if first.metric == "win_rate" else None
        panels.append(Panel(task, axis_label(first.metric, first.direction), lines, limits))
    figure = curves_figure(panels, each_run=True, columns=2 if len(panels) in (2, 4) else 3)
    return _spaced(figure)


def final_scores(comparison: Comparison) -> Figure:
    """A panel a task: each label's interquartile mean with its interval, and every seed."""
    styles = line_styles(comparison.labels)
    tasks = comparison.tasks
    columns = min(len(tasks), _COLUMNS)
    rows = ceil(len(tasks) / columns)
    names = {label: _wrapped(label) for label in comparison.labels}
    most = max(
        sum(_height(names[entry.label]) for entry in comparison.of_task(task)) for task in tasks
    )
    figure = _figure(5.6 * columns + 0.4, rows * (1.0 + most))
    for number, task in enumerate(tasks, start=1):
        axes = figure.add_subplot(rows, columns, number)
        entries = comparison.of_task(task)
        for row, entry in enumerate(entries):
            _score_row(axes, row, entry, styles[entry.label][0])
        _name_rows(axes, [names[entry.label] for entry in entries])
        axes.use_sticky_edges = False
        axes.margins(x=0.06)
        axes.set_title(task)
        axes.set_xlabel(axis_label(entries[0].metric, entries[0].direction))
    return figure


def _score_row(axes: Axes, row: int, entry: Entry, colour: str) -> None:
    summary = summarise(entry.scores)
    axes.barh(
        row, summary.high - summary.low, 0.5, summary.low, color=colour, alpha=0.3, linewidth=0
    )
    axes.plot([summary.iqm] * 2, [row - 0.25, row + 0.25], color=colour, linewidth=2.5)
    axes.plot(entry.scores, [row] * len(entry.runs), "o", color=colour, markersize=3, alpha=0.7)


def performance_profiles(profiles: dict[str, Profile], scores: Normalised) -> Figure:
    """The share of runs above each score, with its interval."""
    styles = line_styles(list(profiles))
    figure = _figure(5.2, 3.8)
    axes = figure.add_subplot()
    for label, profile in profiles.items():
        colour, line = styles[label]
        axes.fill_between(
            THRESHOLDS, profile.low, profile.high, color=colour, alpha=0.15, linewidth=0
        )
        axes.plot(THRESHOLDS, profile.share, color=colour, linestyle=line, label=label)
    tasks = f"{len(scores.tasks)} task{'s' * (len(scores.tasks) > 1)}"
    axes.set_xlabel(rf"{scores.unit}, $\tau$")
    axes.set_ylabel(rf"share of runs above $\tau$, {tasks}")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(*_FRACTION)
    plain_axes(axes)
    add_legend(figure, [axes])
    return figure


def improvement_figure(found: Sequence[Improvement]) -> Figure:
    """Probabilities of improvement, a row a pair; a half is no difference.

    Args:
        found: The probabilities; of a pair's, the last is drawn, which is over its tasks.
    """
    drawn = list({(each.one, each.other): each for each in found}.values())
    several = len({each.task for each in drawn}) > 1
    names = [_of_pair(each, with_task=several) for each in drawn]
    figure = _figure(7.6, 1.0 + sum(map(_height, names)))
    axes = figure.add_subplot()
    for row, each in enumerate(drawn):
        axes.barh(
            row, each.high - each.low, 0.5, each.low, color=COLOURS[0], alpha=0.3, linewidth=0
        )
        axes.plot([each.probability] * 2, [row - 0.25, row + 0.25], color=COLOURS[0], linewidth=2.5)
    axes.axvline(0.5, color="#888888", linewidth=1, linestyle="--")
    _name_rows(axes, names)
    axes.set_xlim(*_FRACTION)
    axes.set_xlabel("probability that a run is better")
    return figure


def _of_pair(found: Improvement, *, with_task: bool) -> str:
    """A pair's name, on one line where it is short."""
    task = f"{found.task}: " if with_task else ""
    short = f"{task}{found.one} > {found.other}"
    if len(short) <= 2 * _NAME_WIDTH:
        return short
    return _wrapped(task + found.one, 60) + "\n" + _wrapped(f"> {found.other}", 60)


def _wrapped(name: str, width: int = _NAME_WIDTH) -> str:
    return fill(name, width, break_long_words=False)


def _height(name: str) -> float:
    """The height in inches of a row with a name."""
    return 0.16 * (1 + name.count("\n")) + 0.18


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    plain_axes(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _figure(width: float, height: float) -> Figure:
    return _spaced(Figure(figsize=(width, height), dpi=150))


def _spaced(figure: Figure) -> Figure:
    """A figure with some space between its panels."""
    figure.set_layout_engine("constrained", w_pad=0.08, h_pad=0.1)
    return figure
