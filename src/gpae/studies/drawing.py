"""Pictures of a study: its measures over environment steps, a line a row."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from gpae.report.curves import Panel, draw_curves
from gpae.studies.archive import ArchivedRun
from gpae.studies.cells import FilledCell
from gpae.studies.declaration import Measure, Study
from gpae.studies.measures import Series, series


def draw_study(study: Study, cells: Sequence[FilledCell], output: Path) -> bool:
    """Draw the rows that the paper has: a panel for each task and measure that has runs.

    A study that aggregates has a panel for each suite instead: the mean over those of its tasks on
    which every row drawn has runs, and the standard error over seeds.

    Args:
        study: The study; of one that draws another's runs, its grid.
        cells: Its cells.
        output: The picture to write.

    Returns:
        False if there is nothing to draw yet; no picture is written then.
    """
    drawn = [cell for cell in cells if cell.runs and not cell.control]
    panels = list(_of_suites(study, drawn) if study.aggregate else _of_tasks(study, drawn))
    if panels:
        draw_curves(panels, output, band="sem" if study.aggregate else "ci")
    return bool(panels)


def _of_tasks(study: Study, cells: Sequence[FilledCell]) -> Iterator[Panel]:
    for task in dict.fromkeys(cell.task for cell in cells):
        for measure in study.measures:
            lines = {
                cell.row: [_curve(run, measure) for run in cell.runs]
                for cell in cells
                if cell.task == task
            }
            if not any(steps.size for curves in lines.values() for steps, _ in curves):
                continue
            heading = task if len(study.measures) == 1 else f"{task}: {measure.name}"
            yield Panel(heading, measure.name, lines)


def _of_suites(study: Study, cells: Sequence[FilledCell]) -> Iterator[Panel]:
    measure = study.measures[0]
    for suite in study.suites:
        within = [cell for cell in cells if cell.task in suite.tasks]
        rows = list(dict.fromkeys(cell.row for cell in within))
        tasks = [
            task
            for task in suite.tasks
            if {cell.row for cell in within if cell.task == task} == set(rows)
        ]
        if not tasks:
            continue
        lines = {
            row: mean_over_tasks(
                [
                    [_curve(run, measure) for run in cell.runs]
                    for task in tasks
                    for cell in within
                    if (cell.task, cell.row) == (task, row)
                ]
            )
            for row in rows
        }
        family = tasks[0].partition("/")[0]
        yield Panel(f"{family}, {len(tasks)} of {len(suite.tasks)} tasks", measure.name, lines)


def mean_over_tasks(tasks: Sequence[Sequence[Series]]) -> list[Series]:
    """Mean curve over tasks of the first runs, the second ones and so on.

    Args:
        tasks: The curves of each task's runs.

    Returns:
        One curve for each run that every task has, where all its curves have a point.
    """
    means = []
    for curves in zip(*tasks, strict=False):
        shared = sorted(set.intersection(*(set(steps.tolist()) for steps, _ in curves)))
        values = [
            [dict(zip(steps.tolist(), points, strict=True))[at] for at in shared]
            for steps, points in curves
        ]
        means.append((np.array(shared, dtype=np.int64), np.mean(values, axis=0)))
    return means


def _curve(run: ArchivedRun, measure: Measure) -> Series:
    return series(run, replace(measure, moment="last"))
