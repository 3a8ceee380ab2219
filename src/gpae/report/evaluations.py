"""A run's evaluations as reports want them: ordered, one a step, the absolute metric apart."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from jaxtyping import Float, Int

from gpae.errors import UserError
from gpae.runs.folder import RunFolder
from gpae.runs.records import RecordFile

_UNNAMED_HEADLINES = ("win_rate", "episode_return")
"""The headline of records that name none, as early ones do not: the first of these they have."""

Record = dict[str, Any]


@dataclass(frozen=True)
class Evaluations:
    """What one run's evaluations found, in one mode of acting.

    Attributes:
        path: The run's folder.
        task: The task's name, such as ``smax/3m``.
        method: The method's name.
        seed: The run's seed.
        curve: One record an evaluation, by ascending environment steps.
        absolute: The evaluation of the best parameters at the end, or None before that.
    """

    path: Path
    task: str
    method: str
    seed: int
    curve: list[Record]
    absolute: Record | None

    @classmethod
    def load(cls, path: Path, mode: str | None = None) -> Self:
        """Read a run's evaluations.

        Args:
            path: The run's folder.
            mode: ``greedy`` or ``sampled``; None for greedy ones where there are any.

        Raises:
            UserError: The folder is not a run, or its files are damaged.
        """
        run = RunFolder.open(path)
        records = RecordFile(run.evaluations_path).read()
        mode = mode or _preferred_mode(records)
        chosen = [record for record in records if record.get("mode") == mode]
        by_step = {int(r["env_steps"]): r for r in chosen if not r.get("absolute", False)}
        absolute = [record for record in chosen if record.get("absolute", False)]
        return cls(
            path=run.path,
            task=str(_setting(run, "task", "name")),
            method=str(_setting(run, "method", "name")),
            seed=int(_setting(run, "seed")),
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
            metric: Such as ``win_rate``.

        Raises:
            UserError: An evaluation lacks the metric.
        """
        if any(metric not in record for record in self.curve):
            raise UserError(f"{self.path} has an evaluation without {metric}")
        values = [np.mean(np.asarray(record[metric], dtype=float)) for record in self.curve]
        return np.array(values, dtype=float)

    def headline(self) -> str:
        """Name the metric a report shows: the one by which the run chose its best parameters."""
        return headline_of(self.curve[0] if self.curve else self.absolute or {})


def headline_of(record: Record) -> str:
    """Name the headline metric of a record: the environment's first, or the episode return."""
    named = record.get("headline")
    if isinstance(named, str):
        return named
    *others, last = _UNNAMED_HEADLINES
    return next((metric for metric in others if metric in record), last)


def metrics_of(record: Record) -> dict[str, list[float]]:
    """Pick an evaluation's metrics: what holds one value an episode."""
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
