"""Declaration of a study: its grid, the measures taken, and the order in which it is run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gpae.environments import find_task
from gpae.errors import UserError, did_you_mean

SOURCES = ("evaluation", "training", "credit")
MOMENTS = ("last", "mean")
BASE = "default"
"""The settings that a row builds on unless it names others."""


@dataclass
class Suite:
    """Tasks that share their settings.

    Attributes:
        tasks: Names of the tasks.
        settings: Overrides in Hydra's syntax by the name of the base, which rows build on; a row
            whose base a suite does not have has no runs on the suite's tasks.
    """

    tasks: list[str] = field(default_factory=list)
    settings: dict[str, list[str]] = field(default_factory=dict)


@dataclass
class Row:
    """A method with its settings, as the paper prints its name, or a control.

    Attributes:
        name: The name, as printed.
        settings: Overrides in Hydra's syntax, after those of the base.
        base: The base, one of the suites' settings.
        tasks: Patterns of the tasks that the row has runs on.
        control: True for a row that the paper does not have.
        imports: Modules to import first, which register the row's method.
    """

    name: str = ""
    settings: list[str] = field(default_factory=list)
    base: str = BASE
    tasks: list[str] = field(default_factory=lambda: ["*"])
    control: bool = False
    imports: list[str] = field(default_factory=list)


@dataclass
class Measure:
    """A number of a run.

    Attributes:
        name: The name in tables and pictures.
        source: ``evaluation`` (separate episodes), ``training`` (metrics of the updates) or
            ``credit`` (the simulation at the run's end).
        metric: The metric's name there.
        minus: Another metric of the same source that is subtracted.
        over: Another metric of the same source that it is divided by.
        moment: ``last``, or the ``mean`` over the run.
        percent: True if the paper prints it in per cent.
    """

    name: str = ""
    source: str = "evaluation"
    metric: str = ""
    minus: str | None = None
    over: str | None = None
    moment: str = "last"
    percent: bool = False


@dataclass
class Selection:
    """Cells that come before the others.

    Attributes:
        tasks: Patterns of their tasks.
        rows: Patterns of their rows.
        seeds: Number of seeds, of each cell; all where None.
    """

    tasks: list[str] = field(default_factory=lambda: ["*"])
    rows: list[str] = field(default_factory=lambda: ["*"])
    seeds: int | None = None


@dataclass
class Claim:
    """A statement of the paper that one row is better than others.

    Attributes:
        text: The statement.
        row: The row that is to be better.
        over: The rows that it is to be better than.
        measure: The measure by which; the study's first if empty.
        tasks: Patterns of the tasks it is about.
        smaller: True if better means smaller.
    """

    text: str = ""
    row: str = ""
    over: list[str] = field(default_factory=list)
    measure: str = ""
    tasks: list[str] = field(default_factory=lambda: ["*"])
    smaller: bool = False


@dataclass
class ForcedGap:
    """The advantage gap at forced actions, simulated with each run's last parameters.

    Attributes:
        states: The most states.
        repetitions: Repetitions of the simulated truth.
        samples: Samples of the method's estimator.
    """

    states: int = 64
    repetitions: int = 64
    samples: int = 16


@dataclass
class Study:
    """A table or a figure of the paper as a grid of runs.

    Attributes:
        title: The title.
        claim: The paper's claim that it tests, in a sentence.
        claims: The same as comparisons of rows.
        runs_of: Another study whose runs this one draws; it then has no grid of its own.
        reads: A results file of a benchmark, relative to the repository, that is shown instead.
        command: The command that makes ``reads``.
        total_env_steps: Environment steps of every run.
        evaluation_interval: Environment steps between evaluations.
        seeds: Number of seeds of every cell.
        suites: The tasks.
        rows: The methods and controls.
        priority: The cells that come first, then those that come second, and so on.
        measures: The numbers of a cell, the one the paper prints first.
        forced_gap: A simulation at each run's end, whose numbers are measures; none where None.
        aggregate: Draw each suite's mean over tasks instead of a panel a task.
        printed: Name of the file of the paper's numbers, None where it prints none.
    """

    title: str = ""
    claim: str = ""
    claims: list[Claim] = field(default_factory=list)
    runs_of: str | None = None
    reads: str | None = None
    command: str | None = None
    total_env_steps: float = 1e7
    evaluation_interval: float = 5e5
    seeds: int = 5
    suites: list[Suite] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    priority: list[Selection] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    forced_gap: ForcedGap | None = None
    aggregate: bool = False
    printed: str | None = None

    @property
    def tasks(self) -> list[str]:
        """The names of all tasks."""
        return [task for suite in self.suites for task in suite.tasks]

    def cells(self) -> Iterator[tuple[Suite, str, Row]]:
        """Every pair of a task and a row that has runs on it, task by task."""
        for suite in self.suites:
            for task in suite.tasks:
                for row in self.rows:
                    if row.base in suite.settings and matches(task, row.tasks):
                        yield suite, task, row


def matches(name: str, patterns: list[str]) -> bool:
    """True if one of the patterns, in which ``*`` stands for anything, is the name's."""
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def study_names() -> list[str]:
    """Names of the studies that come with gpae."""
    folder = files("gpae.studies") / "declared"
    return sorted(
        each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml")
    )


@cache
def find_study(name: str) -> Study:
    """A study by its name; a path of a YAML file declares another one.

    Raises:
        UserError: There is no such study, or its file is not valid.
    """
    if name.endswith((".yaml", ".yml")):
        path = Path(name)
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read the study {name}: {error}") from error
        return read_study(name, text)
    known = study_names()
    if name not in known:
        hint = did_you_mean(name, known)
        raise UserError(f"no study {name!r}{hint}; there are {', '.join(known)}")
    declared = files("gpae.studies") / "declared" / f"{name}.yaml"
    return read_study(name, declared.read_text(encoding="utf-8"))


def read_study(name: str, text: str) -> Study:
    """A study from YAML.

    Args:
        name: Its name, for messages.
        text: The declaration.

    Raises:
        UserError: It is not YAML, has an unknown key or a value of the wrong type, or parts of it
            do not fit together; in one line.
    """
    try:
        values: Any = yaml.safe_load(text)
        if not isinstance(values, dict):
            raise UserError(f"study {name}: it must be a mapping")
        study = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(Study), values))
    except yaml.YAMLError as error:
        raise UserError(f"study {name} is no YAML: {' '.join(str(error).split())}") from error
    except (OmegaConfBaseException, ValueError) as error:
        raise UserError(f"study {name}: {_one_line(error)}") from error
    assert isinstance(study, Study)
    _check(name, study)
    return study


def _one_line(error: Exception) -> str:
    """OmegaConf's message with the key that it is about."""
    message = str(error).splitlines()[0]
    key = re.search(r"full_key: (\S+)", str(error))
    return f"{key[1]}: {message}" if key else message


def _check(name: str, study: Study) -> None:
    for problem in _problems(study):
        raise UserError(f"study {name}: {problem}")
    for suite in study.suites:
        suite.tasks = [find_task(task).name for task in suite.tasks]


def _problems(study: Study) -> Iterator[str]:
    if not study.title:
        yield "it has no title"
    if study.runs_of is None and study.reads is None:
        yield from _problems_of_grid(study)
    elif study.rows or (study.reads is not None and study.suites):
        yield "a study of another one's runs, or of a file, has no rows of its own"


def _problems_of_grid(study: Study) -> Iterator[str]:
    bases = {base for suite in study.suites for base in suite.settings}
    names = [row.name for row in study.rows]
    if not study.tasks or not names or not study.measures:
        yield "it needs suites with tasks, rows and measures"
    if study.seeds < 1 or study.total_env_steps < 1 or study.evaluation_interval < 1:
        yield "seeds, total_env_steps and evaluation_interval must be at least 1"
    for row in study.rows:
        if not row.name or names.count(row.name) > 1:
            yield f"each row needs a name of its own, not {row.name!r}"
        if row.base not in bases:
            yield f"row {row.name}: no suite has settings called {row.base!r}"
        if not any(matches(task, row.tasks) for task in study.tasks):
            yield f"row {row.name}: no task is called {', '.join(row.tasks)}"
    for measure in study.measures:
        if measure.source not in SOURCES or measure.moment not in MOMENTS:
            yield (
                f"measure {measure.name}: source is one of {', '.join(SOURCES)}, "
                f"moment one of {', '.join(MOMENTS)}"
            )
    measures = {measure.name for measure in study.measures}
    for claim in study.claims:
        unknown = [row for row in (claim.row, *claim.over) if row not in names]
        if unknown or not claim.over or not {claim.measure} <= {"", *measures}:
            yield f"claim {claim.text!r} names a row or a measure that the study does not have"
    for selection in study.priority:
        for pattern in selection.rows:
            if not any(matches(row, [pattern]) for row in names):
                yield f"priority: no row is called {pattern!r}"
        for pattern in selection.tasks:
            if not any(matches(task, [pattern]) for task in study.tasks):
                yield f"priority: no task is called {pattern!r}"
