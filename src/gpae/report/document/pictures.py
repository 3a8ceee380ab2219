"""Pictures of a report: learning curves, final scores, profiles, probabilities."""

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gpae.report.curves import Panel, curves_figure
from gpae.report.document.entries import Comparison, Entry
from gpae.report.document.over_tasks import THRESHOLDS, Improvement, Normalised, Profile
from gpae.report.drawing import COLOURS, add_legend, axis_label, line_styles, plain_axes
from gpae.report.statistics import summarise

_FRACTION = (-0.02, 1.02)
_ROW = 0.32
_COLUMNS = 3


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
    return curves_figure(panels, each_run=True)


def final_scores(comparison: Comparison) -> Figure:
    """A panel a task: each label's interquartile mean with its interval, and every seed."""
    styles = line_styles(comparison.labels)
    tasks = comparison.tasks
    columns = min(len(tasks), _COLUMNS)
    rows = ceil(len(tasks) / columns)
    most = max(len(comparison.of_task(task)) for task in tasks)
    figure = _figure(4.6 * columns + 0.4, rows * (0.9 + _ROW * most))
    for number, task in enumerate(tasks, start=1):
        axes = figure.add_subplot(rows, columns, number)
        entries = comparison.of_task(task)
        for row, entry in enumerate(entries):
            _score_row(axes, row, entry, styles[entry.label][0])
        _name_rows(axes, [entry.label for entry in entries])
        axes.set_title(task)
        axes.set_xlabel(axis_label(entries[0].metric, entries[0].direction))
        if entries[0].metric == "win_rate":
            axes.set_xlim(*_FRACTION)
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
    """Probabilities of improvement with their intervals, a row a pair; a half is no difference."""
    figure = _figure(7.2, 1.0 + _ROW * len(found))
    axes = figure.add_subplot()
    several = len({each.task for each in found}) > 1
    for row, each in enumerate(found):
        axes.barh(
            row, each.high - each.low, 0.5, each.low, color=COLOURS[0], alpha=0.3, linewidth=0
        )
        axes.plot([each.probability] * 2, [row - 0.25, row + 0.25], color=COLOURS[0], linewidth=2.5)
    axes.axvline(0.5, color="#888888", linewidth=1, linestyle="--")
    where = [f"{each.task}: " if several else "" for each in found]
    names = [f"{place}{each.one} > {each.other}" for place, each in zip(where, found, strict=True)]
    _name_rows(axes, names)
    axes.set_xlim(*_FRACTION)
    axes.set_xlabel("probability that a run of the first is better than one of the second")
    return figure


def _name_rows(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(np.arange(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    plain_axes(axes)
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width, height), dpi=150, layout="constrained")
