"""Export to the JSON layout of marl-eval, the tools for the protocol of Gorsane et al. (2022).

The layout is ``{environment: {task: {method: {run: {"step_k": {"step_count": int, metric: [...]},
"absolute_metrics": {metric: [...]}}}}}}``, with one value per episode in each list. marl-eval reads
names in lower case, takes no commas in those of methods, and larger values for better ones.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpae.errors import UserError
from gpae.report.evaluations import Evaluations, Record, metrics_of
from gpae.report.grouping import group_runs, require_seeds
from gpae.report.tasks import task_labels
from gpae.runs.files import disk_errors, write_atomically

Layout = dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, Any]]]]]]
"""Nested mapping: environment, task, method, run, step, then the step's entries."""

Names = dict[str, Iterable[str]]
"""The names that a place in the layout holds, by place."""

_ABSOLUTE = "absolute_metrics"
_STEP_COUNT = "step_count"
_RESERVED = "extra"
"""Name of an environment that marl-eval keeps to itself."""


def collect(run_folders: Iterable[Path], mode: str | None = None) -> Layout:
    """Arrange runs in the layout.

    A method is named as in its runs, such as ``gpae``. If runs of a method and task then differ in
    more than their seeds, or runs in their mode of evaluation, all methods are named by the labels
    of :func:`~gpae.report.grouping.group_runs`, such as ``gpae (window.length=4)``, with semicolons
    for commas. Tasks are named by :func:`~gpae.report.tasks.task_labels`, runs by their seeds, or
    by numbers where not all methods of an environment have the same seeds. A metric that is better
    small is exported with its sign changed, as ``negated_NAME``.

    Args:
        run_folders: Folders of finished runs.
        mode: ``greedy`` or ``sampled``; None for greedy if a run has such evaluations.

    Raises:
        UserError: If a folder is not a run or has no evaluations of that mode, two runs differ in
            no setting, or the result fails :func:`validate`.
    """
    layout: Layout = {}
    loaded = [Evaluations.load(path, mode) for path in run_folders]
    for run in loaded:
        if not run.curve or run.absolute is None:
            raise UserError(
                f"{run.path} is not finished: it lacks evaluations or the absolute metric"
            )
    for environment, places in _places(loaded):
        seeds = {tuple(sorted(run.seed for run in runs)) for runs in places.values()}
        tasks = layout.setdefault(environment, {})
        for (task, method), runs in places.items():
            require_seeds(method, runs)
            tasks.setdefault(task, {})[method] = {
                f"seed_{run.seed}" if len(seeds) == 1 else f"run_{number}": _run_entry(run)
                for number, run in enumerate(sorted(runs, key=lambda run: run.seed))
            }
    validate(layout)
    return layout


def export(run_folders: Iterable[Path], output: Path, mode: str | None = None) -> None:
    """Write runs to a file that marl-eval reads.

    Args:
        run_folders: Folders of finished runs.
        output: The JSON file to write or replace.
        mode: Evaluation mode, as for :func:`collect`.

    Raises:
        UserError: As for :func:`collect`, or if the file cannot be written.
    """
    contents = json.dumps(collect(run_folders, mode), allow_nan=False, indent=1).encode() + b"\n"
    with disk_errors(f"write {output}"):
        write_atomically(Path(output), contents)


def read(path: Path) -> Layout:
    """Read an exported file and validate it.

    Raises:
        UserError: If it cannot be read, is not JSON, or is not in the layout.
    """
    with disk_errors(f"read {path}"):
        contents = Path(path).read_bytes()
    try:
        layout = json.loads(contents)
    except ValueError as error:
        raise UserError(f"{path} is not a JSON file") from error
    validate(layout)
    return layout


def validate(layout: Layout) -> None:
    """Check a layout against the requirements of marl-eval.

    Every run needs steps with an ascending ``step_count``, the absolute metrics, the same metrics
    throughout and finite values only. Within an environment all runs need the same steps and
    metrics, all methods the same runs, and all tasks the same methods, whose names have no commas.
    No two names beside each other differ in case alone.

    Args:
        layout: A layout, as :func:`collect` returns it.

    Raises:
        UserError: If a requirement is not met; the message names the place.
    """
    for environment, tasks in _mapping(layout, "the file").items():
        if environment.lower() == _RESERVED:
            raise UserError(f"marl-eval keeps the name {environment!r} to itself")
        steps: Names = {}
        metrics: Names = {}
        runs_of: Names = {}
        methods_of: Names = {}
        for task, methods in _mapping(tasks, environment).items():
            methods_of[f"{environment}/{task}"] = _mapping(methods, f"{environment}/{task}").keys()
            for method, runs in methods.items():
                place = f"{environment}/{task}/{method}"
                if "," in method:
                    raise UserError(f"{place} has a comma in its method's name")
                runs_of[place] = _mapping(runs, place).keys()
                for name, run in runs.items():
                    steps[f"{place}/{name}"] = _validate_run(run, f"{place}/{name}")
                    metrics[f"{place}/{name}"] = run[_ABSOLUTE].keys()
        _require_equal(steps, "evaluations")
        _require_equal(metrics, "metrics")
        _require_equal(runs_of, "runs")
        _require_equal(methods_of, "methods")


def _places(
    runs: Sequence[Evaluations],
) -> Iterable[tuple[str, dict[tuple[str, str], list[Evaluations]]]]:
    """Each environment with its runs by task and method, all by their exported names."""
    labels = task_labels([run.played for run in runs])
    environments: dict[str, dict[tuple[str, str], list[Evaluations]]] = {}
    for run, label, method in zip(runs, labels, _methods(runs, labels), strict=True):
        environment = run.task.partition("/")[0]
        task = label.removeprefix(f"{environment}/")
        places = environments.setdefault(environment, {})
        places.setdefault((_plain(task), _plain(method)), []).append(run)
    return environments.items()


def _methods(runs: Sequence[Evaluations], tasks: Sequence[str]) -> list[str]:
    """Method name of each run; its group's label if names do not tell the groups apart."""
    groups = group_runs([run.path for run in runs])
    labels = {path: label for label, paths in groups.items() for path in paths}
    kinds = {(task, labels[run.path]) for run, task in zip(runs, tasks, strict=True)}
    named = {(task, run.method) for run, task in zip(runs, tasks, strict=True)}
    modes = {run.mode for run in runs}
    if len(kinds) == len(named) and len(modes) == 1:
        return [run.method for run in runs]
    return [labels[run.path] for run in runs]


def _plain(label: str) -> str:
    """A label without commas, which marl-eval joins the names of two methods with."""
    return label.replace(",", ";")


def _run_entry(run: Evaluations) -> dict[str, dict[str, Any]]:
    entry: dict[str, dict[str, Any]] = {
        f"step_{k}": {_STEP_COUNT: int(record["env_steps"]), **_larger_is_better(run, record)}
        for k, record in enumerate(run.curve)
    }
    entry[_ABSOLUTE] = _larger_is_better(run, run.absolute or {})
    return entry


def _larger_is_better(run: Evaluations, record: Record) -> dict[str, list[float]]:
    """A record's metrics; those that are better small with their sign changed, and named so."""
    metrics = {}
    for name, values in metrics_of(record).items():
        if run.direction(name) == "maximise":
            metrics[name] = values
        else:
            metrics[f"negated_{name}"] = [0.0 - value for value in values]
    return metrics


def _validate_run(run: Any, place: str) -> Iterable[str]:
    """Check one run, and return the names of its steps."""
    entries = dict(_mapping(run, place))
    absolute = _mapping(entries.pop(_ABSOLUTE, None), f"{place}/{_ABSOLUTE}")
    counts: list[int] = []
    for name, step in entries.items():
        metrics = dict(_mapping(step, f"{place}/{name}"))
        count = metrics.pop(_STEP_COUNT, None)
        if not isinstance(count, int) or (counts and count <= counts[-1]):
            raise UserError(
                f"{place}/{name} has step_count {count}: an ascending whole number is due"
            )
        counts.append(count)
        _validate_metrics(metrics, absolute.keys(), f"{place}/{name}")
    if not counts:
        raise UserError(f"{place} has no steps")
    _validate_metrics(absolute, absolute.keys(), f"{place}/{_ABSOLUTE}")
    return entries.keys()


def _validate_metrics(metrics: Mapping[str, Any], expected: Iterable[str], place: str) -> None:
    if set(metrics) != set(expected):
        raise UserError(f"{place} has the metrics {sorted(metrics)}, not {sorted(expected)}")
    for name, values in metrics.items():
        if _STEP_COUNT in name:
            raise UserError(f"{place}/{name} would be taken for the number of env steps")
        numbers = isinstance(values, list) and all(
            isinstance(value, int | float) and math.isfinite(value) for value in values
        )
        if not numbers or not values:
            raise UserError(f"{place}/{name} is not a list of finite numbers")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise UserError(f"{place} is missing, empty or not a mapping")
    if len({str(name).lower() for name in value}) < len(value):
        raise UserError(f"{place} has names that differ in case alone, which marl-eval merges")
    return value


def _require_equal(names: Names, unit: str) -> None:
    """Refuse places that hold other names, or another number of them, than others."""
    counts = {place: len(list(held)) for place, held in names.items()}
    fewest, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
    if counts[fewest] < counts[most]:
        raise UserError(
            f"{fewest} has {counts[fewest]} {unit} and {most} has {counts[most]}: "
            "marl-eval needs equal numbers"
        )
    for place, held in names.items():
        if set(held) != set(names[fewest]):
            raise UserError(
                f"{fewest} has the {unit} {', '.join(names[fewest])} and {place} "
                f"{', '.join(held)}: marl-eval needs the same"
            )
