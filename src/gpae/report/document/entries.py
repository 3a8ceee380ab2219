"""Runs of a report by task and label: seeds of one thing, and their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

from gpae.errors import UserError
from gpae.report.curves import shared_steps
from gpae.report.document.names import short_names
from gpae.report.evaluations import Evaluations
from gpae.report.grouping import Label, require_seeds, run_labels
from gpae.report.tasks import task_labels
from gpae.runs.folder import RunFolder

Scores = Float[np.ndarray, " runs"]

Steps = Int[np.ndarray, " points"]

_TOLERANCE = 0.02


@dataclass(frozen=True)
class Entry:
    """Seeds of one thing on one task.

    Attributes:
        task: The task's label.
        label: The method, and the settings in which it differs from others.
        metric: The metric that is reported.
        runs: The runs that have evaluations and have not diverged, by seed.
        diverged: Folders of the runs that diverged.
    """

    task: str
    label: str
    metric: str
    runs: Sequence[Evaluations]
    diverged: Sequence[Path]

    @property
    def direction(self) -> str:
        """The direction in which the metric is better: ``maximise`` or ``minimise``."""
        return self.runs[0].direction(self.metric)

    @property
    def sign(self) -> float:
        """The factor that makes larger scores better."""
        return 1.0 if self.direction == "maximise" else -1.0

    @property
    def seeds(self) -> list[int]:
        """The runs' seeds."""
        return [run.seed for run in self.runs]

    @cached_property
    def steps(self) -> Steps:
        """Environment steps at which all its runs were evaluated."""
        return shared_steps([run.steps for run in self.runs])

    @cached_property
    def curves(self) -> list[Float[np.ndarray, " evaluations"]]:
        """Each run's mean over episodes, at all of its own evaluations."""
        return [run.means(self.metric) for run in self.runs]

    @property
    def env_steps(self) -> int:
        """The last environment step at which all its runs were evaluated."""
        return int(self.steps[-1])

    @property
    def scores(self) -> Scores:
        """Each run's score at ``env_steps``."""
        return self.scores_at(self.env_steps)

    def scores_at(self, env_steps: int) -> Scores:
        """Each run's mean over the episodes of its evaluation at an environment step."""
        return self._curves_at(np.array([env_steps]))[:, 0]

    def curves_within(self, steps: Steps) -> Float[np.ndarray, "runs points"]:
        """Each run's learning curve at environment steps that all its runs have."""
        return self._curves_at(steps)

    def _curves_at(self, steps: Steps) -> Float[np.ndarray, "runs points"]:
        return np.array(
            [
                curve[np.isin(run.steps, steps)]
                for run, curve in zip(self.runs, self.curves, strict=True)
            ]
        )

    @property
    def gradient_steps(self) -> list[int]:
        """The different numbers of gradient steps that its runs had made by then."""
        records = [record for run in self.runs for record in run.curve]
        counted = {
            int(record["gradient_steps"])
            for record in records
            if record["env_steps"] == self.env_steps and "gradient_steps" in record
        }
        return sorted(counted)

    @property
    def absolute(self) -> Scores | None:
        """Each run's absolute metric, None where one does not have it yet."""
        found = [run.absolute for run in self.runs]
        if not all(record is not None and self.metric in record for record in found):
            return None
        return np.array([np.mean(record[self.metric]) for record in found if record is not None])


@dataclass(frozen=True)
class Comparison:
    """All runs of a report.

    Attributes:
        entries: The runs by task and label, tasks and labels in the order of the folders given.
        empty: Folders of runs that have no evaluation yet.
        named: The methods in full, by their labels here.
    """

    entries: Sequence[Entry]
    empty: Sequence[Path] = ()
    named: Mapping[str, Label] = field(default_factory=dict)

    @property
    def tasks(self) -> list[str]:
        """The tasks."""
        return list(dict.fromkeys(entry.task for entry in self.entries))

    @property
    def labels(self) -> list[str]:
        """The labels."""
        return list(dict.fromkeys(entry.label for entry in self.entries))

    def of_task(self, task: str) -> list[Entry]:
        """The entries of a task."""
        return [entry for entry in self.entries if entry.task == task]

    def entry(self, task: str, label: str) -> Entry | None:
        """The entry of a task and a label, None if there is none."""
        found = [entry for entry in self.of_task(task) if entry.label == label]
        return found[0] if found else None

    def shared_tasks(self, labels: Sequence[str]) -> list[str]:
        """The tasks on which all of some labels have runs."""
        return [task for task in self.tasks if all(self.entry(task, label) for label in labels)]


def ends_of(entries: Sequence[Entry]) -> list[int] | None:
    """The last evaluations at which some entries can be compared, one for each.

    Batches of other sizes end at other environment steps, so steps that are within 2 % of each
    other count as equal.

    Returns:
        An environment step for each entry, above 0; None where there are none.
    """
    shortest = min(entries, key=lambda entry: entry.env_steps)
    for target in shortest.steps[::-1]:
        nearest = [int(entry.steps[np.abs(entry.steps - target).argmin()]) for entry in entries]
        if target > 0 and max(nearest) <= (1 + _TOLERANCE) * min(nearest):
            return nearest
    return None


def load_comparison(
    folders: Sequence[Path],
    metric: str | None = None,
    mode: str | None = None,
    renamed: Mapping[str, str] | None = None,
) -> Comparison:
    """Read runs, and put seeds of one thing together.

    Args:
        folders: Run folders.
        metric: The metric that is reported; by default each task's headline.
        mode: Evaluation mode, as for :meth:`Evaluations.load`.
        renamed: Names of one's own for methods, as for :func:`short_names`.

    Raises:
        UserError: A folder is no run, two differ in nothing, one lacks the metric, or there is no
            evaluation to report on.
    """
    full = run_labels(folders)
    names = short_names(full, renamed or {})
    labels = {path: names[label] for path, label in zip(folders, full, strict=True)}
    loaded = {path: Evaluations.load(path, mode) for path in labels}
    empty = [path for path, run in loaded.items() if not run.curve]
    runs = {path: run for path, run in loaded.items() if run.curve}
    tasks = dict(zip(runs, task_labels([run.played for run in runs.values()]), strict=True))
    entries = []
    for task in dict.fromkeys(tasks.values()):
        headline = next(run.headline() for path, run in runs.items() if tasks[path] == task)
        for label in dict.fromkeys(labels.values()):
            alike = [path for path in runs if (tasks[path], labels[path]) == (task, label)]
            if entry := _entry(task, label, metric or headline, {p: runs[p] for p in alike}):
                entries.append(entry)
    if not entries:
        raise UserError("none of the runs holds an evaluation to report on")
    _require_one_direction(entries)
    return Comparison(entries, empty, {names[label]: label for label in full})


def _entry(task: str, label: str, metric: str, runs: dict[Path, Evaluations]) -> Entry | None:
    require_seeds(label, list(runs.values()))
    diverged = [path for path in runs if RunFolder.open(path).failure_path.exists()]
    kept = sorted((run for path, run in runs.items() if path not in diverged), key=_seed)
    if not kept:
        return None
    entry = Entry(task, label, metric, kept, diverged)
    if not entry.steps.size:
        raise UserError(
            f"runs of {label} on {task} share no environment step at which all were evaluated"
        )
    return entry


def _seed(run: Evaluations) -> int:
    return run.seed


def _require_one_direction(entries: Sequence[Entry]) -> None:
    for entry in entries:
        first = next(each for each in entries if each.task == entry.task)
        if entry.direction != first.direction:
            raise UserError(
                f"{entry.metric} is better large for one of {first.label} and {entry.label} on "
                f"{entry.task}, and better small for the other"
            )
