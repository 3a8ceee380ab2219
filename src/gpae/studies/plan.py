"""Plan of a study: its cells, their configurations, and its runs in the order of priority."""

import json
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import Any

from gpae.config.compose import compose, to_dict
from gpae.config.schema import Config
from gpae.errors import UserError
from gpae.runs import versions
from gpae.studies.declaration import Row, Selection, Study, Suite, matches
from gpae.studies.identity import Identity, digest, identity


@dataclass(frozen=True, eq=False)
class Cell:
    """A task and a row of a study.

    Attributes:
        task: The task's name.
        row: The row.
        overrides: The settings of its runs, in Hydra's syntax.
        seeds: Number of seeds wanted.
    """

    task: str
    row: Row
    overrides: tuple[str, ...]
    seeds: int

    @property
    def name(self) -> str:
        """The task's and the row's names, which ``--only`` looks in."""
        return f"{self.task} {self.row.name}"

    @cached_property
    def config(self) -> Config:
        """The configuration of its runs, with seed 0."""
        return _composed(self.overrides, tuple(self.row.imports))

    @cached_property
    def identity(self) -> Identity:
        """All that changes what its runs measure, by the versions installed."""
        return identity(to_dict(self.config), _versions())

    @cached_property
    def digest(self) -> str:
        """Digest of :attr:`identity`."""
        return digest(self.identity)


@dataclass(frozen=True)
class PlannedRun:
    """A cell with one of its seeds."""

    cell: Cell
    seed: int

    @property
    def config(self) -> Config:
        """The run's own configuration."""
        return replace(deepcopy(self.cell.config), seed=self.seed)

    @property
    def key(self) -> tuple[str, int]:
        """Digest and seed: two runs with one key measure the same."""
        return self.cell.digest, self.seed

    @property
    def program(self) -> str:
        """A text that runs which may share a compiled program have in common.

        They may differ in their seeds and in settings that are fractions.
        """
        return json.dumps(_without_fractions(to_dict(self.cell.config)), sort_keys=True)


@dataclass(frozen=True)
class Plan:
    """All cells of a study, and its runs in the order of priority.

    Attributes:
        cells: The cells, task by task.
        steps: The runs of each step of the priority, none of them twice.
    """

    cells: list[Cell]
    steps: list[list[PlannedRun]]

    @property
    def runs(self) -> list[PlannedRun]:
        """The runs in the order of priority."""
        return [run for step in self.steps for run in step]


def make_plan(
    study: Study, *, seeds: int | None = None, scale: float = 1.0, only: Sequence[str] = ()
) -> Plan:
    """Plan a study.

    Args:
        study: The study, which has a grid.
        seeds: Number of seeds, instead of the study's.
        scale: Factor of the environment steps and of the evaluation interval.
        only: The cells to plan, all if none is given: a part of a task's name, a row's name, or a
            pattern with ``*`` of both, such as ``*5m_vs_6m GPAE*``.

    Raises:
        UserError: No cell fits ``only``.
    """
    count = study.seeds if seeds is None else seeds
    cells = [
        Cell(task, row, tuple(_overrides(study, suite, task, row, scale)), count)
        for suite, task, row in study.cells()
    ]
    chosen = [cell for cell in cells if _chosen(cell, only)]
    if not chosen:
        raise UserError(f"no task and row of the study fits --only {' '.join(only)}")
    return Plan(chosen, list(_steps(chosen, study.priority)))


def _steps(cells: Sequence[Cell], priority: Sequence[Selection]) -> Iterator[list[PlannedRun]]:
    planned: set[tuple[str, str, int]] = set()
    for selection in (*priority, Selection()):
        step = []
        for cell in cells:
            if not (matches(cell.task, selection.tasks) and matches(cell.row.name, selection.rows)):
                continue
            wanted = cell.seeds if selection.seeds is None else min(selection.seeds, cell.seeds)
            for seed in range(wanted):
                if (run := (cell.task, cell.row.name, seed)) not in planned:
                    planned.add(run)
                    step.append(PlannedRun(cell, seed))
        if step:
            yield step


def _overrides(study: Study, suite: Suite, task: str, row: Row, scale: float) -> list[str]:
    return [
        f"task={task}",
        *suite.settings[row.base],
        *row.settings,
        f"total_env_steps={max(1, round(study.total_env_steps * scale))}",
        f"evaluation.interval={max(1, round(study.evaluation_interval * scale))}",
        "seed=0",
    ]


def _chosen(cell: Cell, only: Sequence[str]) -> bool:
    return not only or any(_fits(cell, pattern.lower()) for pattern in only)


def _fits(cell: Cell, pattern: str) -> bool:
    if "*" in pattern:
        return fnmatchcase(cell.name.lower(), pattern)
    return pattern in cell.task.lower() or pattern == cell.row.name.lower()


@cache
def _composed(overrides: tuple[str, ...], imports: tuple[str, ...]) -> Config:
    return compose(list(overrides), imports)


@cache
def _versions() -> Mapping[str, Any]:
    return versions()


def _without_fractions(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _without_fractions(each) for name, each in value.items() if name != "seed"}
    return None if isinstance(value, float) else value
