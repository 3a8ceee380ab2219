"""Export to the JSON layout of marl-eval, the tools for the protocol of Gorsane et al. (2022).

The layout is ``{environment: {task: {method: {run: {"step_k": {"step_count": int, metric: [...]},
"absolute_metrics": {metric: [...]}}}}}}``, with one value per episode in each list.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from gpae.errors import UserError
from gpae.report.evaluations import Evaluations, metrics_of
from gpae.report.grouping import group_runs
from gpae.runs.files import disk_errors, write_atomically

Layout = dict[str, dict[str, dict[str, dict[str, dict[str, dict[str, Any]]]]]]
"""Nested mapping: environment, task, method, run, step, then the step's entries."""

_ABSOLUTE = "absolute_metrics"
_STEP_COUNT = "step_count"


def collect(run_folders: Iterable[Path], mode: str | None = None) -> Layout:
    """Arrange runs in the layout.

    A method is named as in its runs, such as ``gpae``. If two runs would then have the same place,
    all methods are named by the labels of :func:`~gpae.report.grouping.group_runs`, such as
    ``gpae (window.length=4)``.

    Args:
        run_folders: Folders of finished runs.
        mode: ``greedy`` or ``sampled``; None for greedy if a run has such evaluations.

    Raises:
        UserError: If a folder is not a run or has no evaluations of that mode, two runs differ in
            no setting, or the result fails :func:`validate`.
    """
    layout: Layout = {}
    loaded = [Evaluations.load(path, mode) for path in run_folders]
    for run, method in zip(loaded, _methods(loaded), strict=True):
        if not run.curve or run.absolute is None:
            raise UserError(
                f"{run.path} is not finished: it lacks evaluations or the absolute metric"
            )
        environment, _, task = run.task.partition("/")
        methods = layout.setdefault(environment, {}).setdefault(task or environment, {})
        runs = methods.setdefault(method, {})
        if f"seed_{run.seed}" in runs:
            raise UserError(f"{run.path} repeats {method} on {run.task} with seed {run.seed}")
        runs[f"seed_{run.seed}"] = _run_entry(run, run.absolute)
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
    throughout and finite values only. Within an environment all runs need the same number of steps,
    all methods the same number of runs, and all tasks the same number of methods.

    Args:
        layout: A layout, as :func:`collect` returns it.

    Raises:
        UserError: If a requirement is not met; the message names the place.
    """
    for environment, tasks in _mapping(layout, "the file").items():
        steps: dict[str, int] = {}
        runs_of: dict[str, int] = {}
        methods_of: dict[str, int] = {}
        for task, methods in _mapping(tasks, environment).items():
            methods_of[f"{environment}/{task}"] = len(_mapping(methods, f"{environment}/{task}"))
            for method, runs in methods.items():
                place = f"{environment}/{task}/{method}"
                runs_of[place] = len(_mapping(runs, place))
                for name, run in runs.items():
                    steps[f"{place}/{name}"] = _validate_run(run, f"{place}/{name}")
        _require_equal(steps, "evaluations")
        _require_equal(runs_of, "runs")
        _require_equal(methods_of, "methods")


def _methods(runs: Sequence[Evaluations]) -> list[str]:
    """Method name of each run; its group's label if names do not distinguish all runs."""
    if len({(run.task, run.method, run.seed) for run in runs}) == len(runs):
        return [run.method for run in runs]
    groups = group_runs([run.path for run in runs])
    labels = {path: label for label, paths in groups.items() for path in paths}
    return [labels[run.path] for run in runs]


def _run_entry(run: Evaluations, absolute: dict[str, Any]) -> dict[str, dict[str, Any]]:
    entry: dict[str, dict[str, Any]] = {
        f"step_{k}": {_STEP_COUNT: int(record["env_steps"]), **metrics_of(record)}
        for k, record in enumerate(run.curve)
    }
    entry[_ABSOLUTE] = {**metrics_of(absolute)}
    return entry


def _validate_run(run: Any, place: str) -> int:
    """Check one run, and return its number of steps."""
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
    return len(counts)


def _validate_metrics(metrics: Mapping[str, Any], expected: Iterable[str], place: str) -> None:
    if set(metrics) != set(expected):
        raise UserError(f"{place} has the metrics {sorted(metrics)}, not {sorted(expected)}")
    for name, values in metrics.items():
        numbers = isinstance(values, list) and all(
            isinstance(value, int | float) and math.isfinite(value) for value in values
        )
        if not numbers or not values:
            raise UserError(f"{place}/{name} is not a list of finite numbers")


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not value:
        raise UserError(f"{place} is missing, empty or not a mapping")
    return value


def _require_equal(counts: dict[str, int], unit: str) -> None:
    if len(set(counts.values())) > 1:
        fewest, most = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        raise UserError(
            f"{fewest} has {counts[fewest]} {unit} and {most} has {counts[most]}: "
            "marl-eval needs equal numbers"
        )
