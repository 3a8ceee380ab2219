"""Evaluations of a run: one per env step in ascending order, and the absolute metric."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int

from gpae.errors import UserError
from gpae.report.tasks import PlayedTask, played_task
from gpae.runs.folder import RunFolder
from gpae.runs.records import RecordFile

_UNNAMED_HEADLINES = ("win_rate", "episode_return")
"""Headline metrics, in order of preference, of early records, which do not name theirs."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Evaluations:
    """Evaluations of one run in one mode of action selection.

    Attributes:
        path: The run's folder.
        task: The task's name, such as ``smax/3m``.
        played: The task with its settings and the version of its rules.
        method: The method's name.
        seed: The run's seed.
        mode: The mode of action selection, ``greedy`` or ``sampled``.
        curve: One record per evaluation, by ascending environment steps.
        absolute: The final evaluation of the best parameters (the absolute metric); None if it has
            not been made yet.
    """

    path: Path
    task: str
    played: PlayedTask
    method: str
    seed: int
    mode: str
    curve: list[Record]
    absolute: Record | None

    @classmethod
    def load(cls, path: Path, mode: str | None = None) -> Self:
        """Read a run's evaluations.

        Args:
            path: The run's folder.
            mode: ``greedy`` or ``sampled``; None for greedy if the run has such evaluations.

        Raises:
            UserError: If the folder is not a run, its files are damaged, or it has been evaluated
                in the other mode alone.
        """
        run = RunFolder.open(path)
        records = RecordFile(run.evaluations_path).read()
        mode = mode or _preferred_mode(records)
        chosen = [record for record in records if record.get("mode") == mode]
        if records and not chosen:
            raise UserError(f"{run.path} has no {mode} evaluation, only {records[0].get('mode')}")
        by_step = {int(r["env_steps"]): r for r in chosen if not r.get("absolute", False)}
        absolute = [record for record in chosen if record.get("absolute", False)]
        return cls(
            path=run.path,
            task=str(_setting(run, "task", "name")),
            played=played_task(run),
            method=str(_setting(run, "method", "name")),
            seed=int(_setting(run, "seed")),
            mode=mode,
            curve=[by_step[step] for step in sorted(by_step)],
            absolute=absolute[-1] if absolute else None,
        )

    @property
    def steps(self) -> Int[np.ndarray, " evaluations"]:
        """Environment steps at each evaluation."""
        return np.array([record["env_steps"] for record in self.curve], dtype=np.int64)

    def means(self, metric: str) -> Float[np.ndarray, " evaluations"]:
        """Average a metric over the episodes of each evaluation.

        Args:
            metric: Name of the metric, such as ``win_rate``.

        Raises:
            UserError: If an evaluation lacks the metric.
        """
        if any(metric not in record for record in self.curve):
            raise UserError(f"{self.path} has an evaluation without {metric}")
        values = [np.mean(np.asarray(record[metric], dtype=float)) for record in self.curve]
        return np.array(values, dtype=float)

    def headline(self) -> str:
        """Name of the headline metric, by which the run selected its best parameters."""
        return headline_of(self._first_record)

    def direction(self, metric: str) -> str:
        """Direction in which a metric is better: ``maximise`` or ``minimise``.

        Early records do not say it: larger is better in them.
        """
        directions = self._first_record.get("direction")
        return str(directions.get(metric, "maximise")) if directions else "maximise"

    @property
    def _first_record(self) -> Record:
        return self.curve[0] if self.curve else self.absolute or {}


def headline_of(record: Record) -> str:
    """Name of a record's headline metric: the environment's first, or the episode return."""
    named = record.get("headline")
    if isinstance(named, str):
        return named
    *others, last = _UNNAMED_HEADLINES
    return next((metric for metric in others if metric in record), last)


def metrics_of(record: Record) -> dict[str, list[float]]:
    """Metrics of an evaluation's record: the entries with one value per episode."""
    return {name: value for name, value in record.items() if isinstance(value, list)}


def _preferred_mode(records: list[Record]) -> str:
    return "greedy" if any(r.get("mode") == "greedy" for r in records) else "sampled"


def _setting(run: RunFolder, *keys: str) -> Any:
    value: Any = run.config
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            raise UserError(f"{run.config_path} has no setting {'.'.join(keys)}")
        value = value[key]
    return value
