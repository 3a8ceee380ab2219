"""Groups of runs that differ only in seed and task, with labels."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpae.errors import UserError
from gpae.report.evaluations import Evaluations
from gpae.report.tasks import described, differs, played_task, task_labels
from gpae.runs.folder import RunFolder

_IGNORED = ("task", "seed", "run", "profile", "imports", "evaluation.absolute")
"""Settings, or sections of them, that never separate groups.

The task has a panel of its own (:mod:`gpae.report.tasks`); place, checkpoints, devices, timing and
imports of a run change nothing of what it learns or measures, and ``evaluation.absolute`` only says
whether the last evaluation is made.
"""

Settings = dict[str, Any]
"""Values by dotted name."""


@dataclass(frozen=True)
class Label:
    """Name of runs that differ only in seed and task.

    Attributes:
        method: The method's name.
        details: The settings in which runs of a task differ, by name, each with its value in words
            (``window.length=4``).
    """

    method: str
    details: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        """The whole name, such as ``gpae (window.length=4)``."""
        details = ", ".join(text for _, text in self.details)
        return f"{self.method} ({details})" if details else self.method


def group_runs(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Group runs that differ only in seed, task, and settings that go with the task.

    Args:
        folders: Run folders.

    Returns:
        The folders by label: the method and the settings in which runs of a task differ, such as
        ``gpae (window.length=4)``. A method's own settings are compared among its runs, all others
        among all runs.

    Raises:
        UserError: If a folder is not a run.
    """
    groups: dict[str, list[Path]] = {}
    for folder, label in zip(folders, run_labels(folders), strict=True):
        groups.setdefault(str(label), []).append(folder)
    return groups


def run_labels(folders: Sequence[Path]) -> list[Label]:
    """The label of each run, by which :func:`group_runs` groups them.

    Raises:
        UserError: If a folder is not a run.
    """
    runs = [RunFolder.open(folder) for folder in folders]
    tasks = task_labels([played_task(run) for run in runs])
    return _labels([_compared(run.config) for run in runs], tasks)


def require_seeds(label: str, runs: Sequence[Evaluations]) -> None:
    """Refuse runs that are no seeds of one thing, of which an average would be of nothing.

    Args:
        label: The name that they share in a report.
        runs: Runs of one task.

    Raises:
        UserError: Two have the same seed, or were evaluated in different modes or by headline
            metrics that differ.
    """
    seeds: dict[int, Evaluations] = {}
    for run in runs:
        other = seeds.setdefault(run.seed, run)
        if other is not run:
            raise UserError(
                f"{run.path} repeats {label} on {run.task} with seed {run.seed}, which "
                f"{other.path} is already: leave one of them out"
            )
        first = runs[0]
        for name, one, another in (
            ("mode of evaluation", first.mode, run.mode),
            ("headline metric", first.headline(), run.headline()),
            ("direction", first.direction(first.headline()), run.direction(run.headline())),
        ):
            if one != another:
                raise UserError(
                    f"{first.path} and {run.path} are no seeds of one thing: their {name} is {one} "
                    f"and {another}; give {label} one of them"
                )


def _compared(config: Mapping[str, Any]) -> Settings:
    """The settings that may separate groups; evaluation in both modes is greedy evaluation."""
    settings = {
        name: value
        for name, value in _flat(config).items()
        if not any(name == each or name.startswith(f"{each}.") for each in _IGNORED)
    }
    if settings.get("evaluation.mode") == "both":
        settings["evaluation.mode"] = "greedy"
    return settings


def _labels(runs: Sequence[Settings], tasks: Sequence[str]) -> list[Label]:
    """Label of each run: its method, and the settings in which runs of a task differ."""
    methods = [own.get("method.name", "unknown method") for own in runs]
    shared = _differing(runs, tasks)
    of_method = {}
    for method in set(methods):
        alike = [index for index, other in enumerate(methods) if other == method]
        of_method[method] = _differing([runs[i] for i in alike], [tasks[i] for i in alike])
    labels = []
    for own, method in zip(runs, methods, strict=True):
        details = [
            (name, described(name, value))
            for name, value in own.items()
            if name in (of_method[method] if name.startswith("method.") else shared)
        ]
        labels.append(Label(f"{method}", tuple(details)))
    return labels


def _differing(runs: Sequence[Settings], tasks: Sequence[str]) -> set[str]:
    """Names of the settings in which two runs of one task differ."""
    of_task: dict[str, list[Settings]] = {}
    for own, task in zip(runs, tasks, strict=True):
        of_task.setdefault(task, []).append(own)
    return {
        name for alike in of_task.values() for name in set().union(*alike) if differs(name, alike)
    }


def _flat(config: Mapping[str, Any], prefix: str = "") -> Settings:
    flat: Settings = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat
