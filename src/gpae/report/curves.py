"""Learning curves of single runs and comparisons of groups of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float, Int
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gpae.errors import UserError
from gpae.report.drawing import (
    COLOURS,
    MAX_COLUMNS,
    PICTURE_FORMATS,
    add_legend,
    line_styles,
    make_panels,
    save_picture,
)
from gpae.report.evaluations import Evaluations
from gpae.report.grouping import require_seeds
from gpae.report.statistics import bootstrap_interval, mean
from gpae.report.tasks import task_labels
from gpae.runs.folder import RunFolder
from gpae.runs.records import RecordFile

__all__ = [
    "COLOURS",
    "PICTURE_FORMATS",
    "Band",
    "Curve",
    "Panel",
    "aligned",
    "band_of",
    "compare_curves",
    "compare_panels",
    "curves_figure",
    "draw_curves",
    "learning_curve",
    "shared_steps",
]

Band = Literal["ci", "std", "sem"]
"""Shaded band around the mean over runs.

``ci``: its 95 % bootstrap interval. ``std``: one sample standard deviation either side. ``sem``:
one standard error of the mean either side, as in the aggregated curves of the paper.
"""

Curve = tuple[Int[np.ndarray, " evaluations"], Float[np.ndarray, " evaluations"]]
"""Environment steps, and the value at each of them."""


def learning_curve(run_folder: Path, output: Path) -> None:
    """Draw one run: its headline metric in evaluations and in training, over environment steps.

    Args:
        run_folder: The run's folder.
        output: The picture to write; its ending is one of :data:`PICTURE_FORMATS`.

    Raises:
        UserError: If the folder is not a run, nothing has been recorded yet, or the picture cannot
            be written.
    """
    evaluations = Evaluations.load(run_folder)
    metric = evaluations.headline()
    training = _training_curve(run_folder, f"train/{metric}")
    if not evaluations.curve and not training[0].size:
        raise UserError(f"{run_folder} has recorded nothing to draw yet")
    figure, (axes,) = make_panels([evaluations.task], metric, evaluations.direction(metric))
    if training[0].size:
        axes.plot(*training, color=COLOURS[5], linewidth=1, label="training episodes")
    if evaluations.curve:
        means = evaluations.means(metric)
        axes.plot(
            evaluations.steps,
            means,
            "o-",
            color=COLOURS[0],
            markersize=4,
            label=f"{evaluations.mode} evaluation",
        )
    axes.set_title(f"{evaluations.task}, {evaluations.method}, seed {evaluations.seed}")
    axes.legend(frameon=False)
    save_picture(figure, output)


def compare_curves(
    groups: Mapping[str, Sequence[Path]],
    output: Path,
    metric: str | None = None,
    title: str = "",
    *,
    band: Band = "ci",
    mode: str | None = None,
) -> None:
    """Draw groups of runs over environment steps: one panel per task, a line and a band per group.

    The line is the mean over runs of each run's mean over episodes. Runs may differ in length: a
    point averages the runs that were evaluated at its environment steps. A single run has no band.
    Tasks that differ in their settings, or in the version of their rules, have panels of their own.

    Args:
        groups: Run folders by the label of their line, such as the method.
        output: The picture to write; its ending is one of :data:`PICTURE_FORMATS`.
        metric: Name of a metric, such as ``win_rate``; the first run's headline metric if None.
        title: Title above all panels.
        band: The shaded band.
        mode: Evaluation mode, as for :meth:`Evaluations.load`.

    Raises:
        UserError: If there are no evaluations to draw, one lacks the metric, runs of one label are
            no seeds of one thing (the same seed twice, other modes of evaluation), or the picture
            cannot be written.
    """
    loaded = [
        (label, run)
        for label, paths in groups.items()
        for path in paths
        if (run := Evaluations.load(path, mode)).curve
    ]
    tasks = task_labels([run.played for _, run in loaded])
    panels: dict[str, dict[str, list[Evaluations]]] = {}
    for task, (label, run) in zip(tasks, loaded, strict=True):
        panel = panels.setdefault(task, {label: [] for label in groups})
        panel[label].append(run)
    _draw_panels(panels, output, metric, title, band)


def compare_panels(
    panels: Mapping[str, Mapping[str, Sequence[Path]]],
    output: Path,
    metric: str | None = None,
    title: str = "",
    *,
    band: Band = "ci",
) -> None:
    """Draw several comparisons side by side, each as :func:`compare_curves` draws one task.

    Args:
        panels: By panel heading, the run folders by the label of their line.
        output: The picture to write; its ending is one of :data:`PICTURE_FORMATS`.
        metric: Name of a metric, such as ``win_rate``; the first run's headline metric if None.
        title: Title above all panels.
        band: The shaded band.

    Raises:
        UserError: As for :func:`compare_curves`, or if a panel has runs of several tasks.
    """
    loaded = {
        heading: {
            label: [run for path in paths if (run := Evaluations.load(path)).curve]
            for label, paths in groups.items()
        }
        for heading, groups in panels.items()
    }
    for heading, loaded_groups in loaded.items():
        played = [run.played for runs in loaded_groups.values() for run in runs]
        if len(tasks := sorted(set(task_labels(played)))) > 1:
            raise UserError(
                f"the panel {heading} has runs of {' and '.join(tasks)}: give each task its own"
            )
    _draw_panels(loaded, output, metric, title, band)


@dataclass(frozen=True)
class Panel:
    """One panel of :func:`draw_curves`.

    Attributes:
        heading: Its title.
        quantity: The quantity over environment steps, the axis' label.
        lines: By label, a curve for each run of the line.
        limits: The least and the largest value that the axis shows; chosen by the curves if None.
    """

    heading: str
    quantity: str
    lines: Mapping[str, Sequence[Curve]]
    limits: tuple[float, float] | None = None


def draw_curves(
    panels: Sequence[Panel], output: Path, title: str = "", *, band: Band = "ci"
) -> None:
    """Draw curves of any quantity side by side, a line of one label alike in all panels.

    Args:
        panels: The panels, at least one; lines without curves are left out.
        output: The picture to write; its ending is one of :data:`PICTURE_FORMATS`.
        title: Title above all panels.
        band: The shaded band around each line's mean over runs.

    Raises:
        UserError: The picture cannot be written.
    """
    save_picture(curves_figure(panels, title, band=band), output)


def curves_figure(
    panels: Sequence[Panel],
    title: str = "",
    *,
    band: Band = "ci",
    each_run: bool = False,
    columns: int = MAX_COLUMNS,
) -> Figure:
    """The figure of :func:`draw_curves`.

    Args:
        panels: As there.
        title: As there.
        band: As there.
        each_run: Draw every run too, as a thin line; the mean then ends with the last environment
            step that all runs of its line have.
        columns: The most panels beside each other.
    """
    labels = list(dict.fromkeys(label for panel in panels for label in panel.lines))
    styles = line_styles(labels)
    figure, all_axes = make_panels([panel.heading for panel in panels], "", "maximise", columns)
    for panel, axes in zip(panels, all_axes, strict=True):
        axes.set_ylabel(panel.quantity)
        if panel.limits is not None:
            axes.set_ylim(panel.limits)
        for label, curves in panel.lines.items():
            if not curves:
                continue
            if each_run:
                _draw_each(axes, curves, styles[label][0])
            shown = _shared(curves) if each_run else curves
            _draw_group(axes, shown, label, *styles[label], band)
    add_legend(figure, all_axes)
    figure.suptitle(title)
    return figure


def _draw_each(axes: Axes, curves: Sequence[Curve], colour: str) -> None:
    for steps, values in curves:
        axes.plot(steps, values, color=colour, linewidth=0.7, alpha=0.45)


def _shared(curves: Sequence[Curve]) -> list[Curve]:
    """The points of curves at the environment steps that all of them have."""
    shared = shared_steps([steps for steps, _ in curves])
    return [(shared, values[np.isin(steps, shared)]) for steps, values in curves]


def shared_steps(
    of_runs: Sequence[Int[np.ndarray, " evaluations"]],
) -> Int[np.ndarray, " points"]:
    """Environment steps at which all runs were evaluated, ascending.

    Args:
        of_runs: The steps of each run's evaluations.
    """
    shared = set.intersection(*(set(steps.tolist()) for steps in of_runs)) if of_runs else set()
    return np.array(sorted(shared), dtype=np.int64)


def _draw_panels(
    panels: Mapping[str, Mapping[str, Sequence[Evaluations]]],
    output: Path,
    metric: str | None,
    title: str,
    band: Band,
) -> None:
    every = [run for groups in panels.values() for runs in groups.values() for run in runs]
    if not every:
        raise UserError("none of the runs holds an evaluation to draw")
    metric = metric or every[0].headline()
    panels = {heading: _lines(groups) for heading, groups in panels.items()}
    labels = list(dict.fromkeys(label for groups in panels.values() for label in groups))
    styles = line_styles(labels)
    figure, all_axes = make_panels(list(panels), metric, _direction(every, metric))
    for groups, axes in zip(panels.values(), all_axes, strict=True):
        for label, runs in groups.items():
            if runs:
                curves = [(run.steps, run.means(metric)) for run in runs]
                _draw_group(axes, curves, label, *styles[label], band)
    add_legend(figure, all_axes)
    figure.suptitle(title)
    save_picture(figure, output)


def _lines(groups: Mapping[str, Sequence[Evaluations]]) -> dict[str, Sequence[Evaluations]]:
    """A panel's lines by label, which names the mode of evaluation where lines differ in it."""
    for label, runs in groups.items():
        require_seeds(label, runs)
    modes = {runs[0].mode for runs in groups.values() if runs}
    if len(modes) < 2:
        return dict(groups)
    return {
        label if not runs or runs[0].mode in label else f"{label} ({runs[0].mode})": runs
        for label, runs in groups.items()
    }


def _direction(runs: Sequence[Evaluations], metric: str) -> str:
    """The direction in which all the runs have a metric better."""
    for run in runs:
        if run.direction(metric) != runs[0].direction(metric):
            raise UserError(
                f"{metric} is better large in one of {runs[0].path} and {run.path}, and better "
                "small in the other"
            )
    return runs[0].direction(metric)


def aligned(
    curves: Sequence[Curve],
) -> tuple[Int[np.ndarray, " points"], list[Float[np.ndarray, " runs"]]]:
    """Collect the runs' values at each number of environment steps.

    Args:
        curves: One curve per run; they may differ in length.

    Returns:
        The steps, ascending, and at each of them the finite values of the runs that have one.
    """
    values: dict[int, list[float]] = {}
    for steps, curve in curves:
        for step, value in zip(steps, curve, strict=True):
            if np.isfinite(value):
                values.setdefault(int(step), []).append(float(value))
    ordered = sorted(values)
    return np.array(ordered, dtype=np.int64), [np.array(values[step]) for step in ordered]


def band_of(values: Float[np.ndarray, " runs"], band: Band) -> tuple[float, float]:
    """Bounds of the shaded band at one point of a curve.

    Args:
        values: One value per run.
        band: Kind of band; the bootstrap interval is drawn with a fixed seed.

    Returns:
        The lower and the upper bound; both are the value itself for a single run.
    """
    if values.size == 1:
        return float(values[0]), float(values[0])
    if band == "ci":
        return bootstrap_interval(values, mean, resamples=2000)
    centre, spread = float(values.mean()), float(values.std(ddof=1))
    if band == "sem":
        spread /= sqrt(values.size)
    return centre - spread, centre + spread


def _training_curve(run_folder: Path, tag: str) -> Curve:
    records = RecordFile(RunFolder.open(run_folder).metrics_path).read()
    points = [(r["env_steps"], r[tag]) for r in records if r.get(tag) is not None]
    steps = np.array([step for step, _ in points], dtype=np.int64)
    return steps, np.array([value for _, value in points], dtype=float)


def _draw_group(
    axes: Axes, curves: Sequence[Curve], label: str, colour: str, line: str, band: Band
) -> None:
    steps, values = aligned(curves)
    bounds = np.array([band_of(at_step, band) for at_step in values]).reshape(-1, 2)
    means = [at_step.mean() for at_step in values]
    axes.fill_between(steps, bounds[:, 0], bounds[:, 1], color=colour, alpha=0.2, linewidth=0)
    axes.plot(
        steps, means, linestyle=line, color=colour, marker="o", markersize=3, label=f"{label}"
    )
