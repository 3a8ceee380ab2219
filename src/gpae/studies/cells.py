"""Cells of a study with the archived runs that belong to them, and those that belong to none."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpae.runs import config_differences
from gpae.studies.archive import ArchivedRun
from gpae.studies.plan import Cell

_DIFFERENCES_SHOWN = 3


@dataclass(frozen=True)
class FilledCell:
    """Runs of one thing: a cell of the study, or one that differs from a cell and stands apart.

    Attributes:
        task: The task's name.
        row: The row's name, with what differs from the study's cell of that name.
        control: True for a row that the paper does not have.
        wanted: Number of seeds wanted; 0 for runs that the study does not plan.
        runs: Finished runs, by seed.
        diverged: Runs that diverged.
    """

    task: str
    row: str
    control: bool
    wanted: int
    runs: Sequence[ArchivedRun]
    diverged: Sequence[ArchivedRun] = ()

    @property
    def is_complete(self) -> bool:
        """True if every seed wanted has ended, and one at least has finished."""
        return bool(self.runs) and len(self.runs) + len(self.diverged) >= self.wanted > 0

    @property
    def env_steps(self) -> int:
        """Environment steps of its runs, which are one number; 0 without any."""
        return max((int(run.evaluations[-1]["env_steps"]) for run in self.runs), default=0)


def fill_cells(
    name: str, cells: Sequence[Cell], archive: Sequence[ArchivedRun]
) -> list[FilledCell]:
    """Give each cell its runs, and rows of their own to those that differ from the study's.

    Args:
        name: The study's name.
        cells: The study's cells.
        archive: Archived runs of one scale, of any study: a cell takes all that measure the same.

    Returns:
        The study's cells in their order, then the others.
    """
    tasks = {run.record.task for run in archive}
    by_digest: dict[str, list[ArchivedRun]] = defaultdict(list)
    for run in archive:
        by_digest[run.key[0]].append(run)
    taken: set[str] = set()
    filled = []
    for cell in cells:
        found: list[ArchivedRun] = []
        if cell.task in tasks:
            found = by_digest.get(cell.digest, [])
            taken.add(cell.digest)
        row = cell.row
        filled.append(_filled(cell.task, row.name, row.control, cell.seeds, found))
    others = [run for run in archive if run.record.study == name and run.key[0] not in taken]
    return [*filled, *_apart(cells, others)]


def _apart(cells: Sequence[Cell], runs: Sequence[ArchivedRun]) -> list[FilledCell]:
    """Cells of runs that no cell of the study plans, named by what differs."""
    planned = {(cell.task, cell.row.name): cell for cell in cells}
    groups: dict[tuple[str, str, str], list[ArchivedRun]] = defaultdict(list)
    for run in runs:
        groups[run.record.task, run.record.row, run.key[0]].append(run)
    apart = []
    for (task, row, _), alike in groups.items():
        cell = planned.get((task, row))
        if cell is None:
            label = f"{row} (no longer in the study)"
        else:
            label = f"{row} ({_differences(cell.identity, alike[0].identity)})"
        apart.append(_filled(task, label, True, 0, alike))
    return apart


def _differences(planned: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """Settings in which runs differ from a cell, with their values."""
    changed = [entry.replace(": ", "=", 1) for entry in config_differences(planned, found)]
    values = [f"{entry.partition('=')[0]}={entry.rpartition(' -> ')[2]}" for entry in changed]
    more = len(values) - _DIFFERENCES_SHOWN
    return ", ".join(values[:_DIFFERENCES_SHOWN]) + (f", {more} more" if more > 0 else "")


def _filled(
    task: str, row: str, control: bool, wanted: int, runs: Sequence[ArchivedRun]
) -> FilledCell:
    once = {run.record.seed: run for run in sorted(runs, key=lambda run: run.folder.path)}
    ordered = [once[seed] for seed in sorted(once)]
    finished = [run for run in ordered if run.record.diverged is None]
    diverged = [run for run in ordered if run.record.diverged is not None]
    return FilledCell(task, row, control, wanted, finished, diverged)
