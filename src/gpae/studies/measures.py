"""Numbers of archived runs: measures at each evaluation, and over a run."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from gpae.report.evaluations import headline_of
from gpae.studies.archive import ArchivedRun
from gpae.studies.declaration import Measure

HEADLINE = "headline"
"""The metric by which a task's runs are judged: the win rate, or the episode return."""

Series = tuple[Int[np.ndarray, " points"], Float[np.ndarray, " points"]]
"""Environment steps, and the value at each of them."""


def series(run: ArchivedRun, measure: Measure) -> Series:
    """A measure over a run.

    Args:
        run: The run.
        measure: The measure; of training metrics, the means between evaluations are taken.

    Returns:
        The points that have a finite value.
    """
    evaluated = measure.source == "evaluation"
    records = run.evaluations if evaluated else run.metrics
    read = _of_episodes if evaluated else _of_updates
    points = [(record["env_steps"], _value(record, measure, read)) for record in records]
    kept = [(steps, value) for steps, value in points if np.isfinite(value)]
    return (
        np.array([steps for steps, _ in kept], dtype=np.int64),
        np.array([value for _, value in kept], dtype=float),
    )


def score(run: ArchivedRun, measure: Measure) -> float | None:
    """A measure as one number of a run: its last value, or its mean over the updates.

    None for a run without it, as one of a method that has no traces.
    """
    steps, values = series(run, measure)
    if not values.size:
        return None
    if measure.moment == "last":
        return float(values[-1])
    weights = np.diff(steps, prepend=0)
    return float(np.average(values, weights=weights if weights.any() else None))


def is_fraction(run: ArchivedRun, measure: Measure) -> bool:
    """True for a measure that the paper prints in per cent."""
    if measure.metric != HEADLINE:
        return measure.percent
    return headline_of(run.evaluations[-1]) == "win_rate"


def _value(
    record: Mapping[str, Any], measure: Measure, read: Callable[[Mapping[str, Any], str], float]
) -> float:
    value = read(record, measure.metric)
    if measure.minus is not None:
        value -= read(record, measure.minus)
    if measure.over is None:
        return value
    divisor = read(record, measure.over)
    return value / divisor if divisor else float("nan")


def _of_episodes(record: Mapping[str, Any], metric: str) -> float:
    name = headline_of(dict(record)) if metric == HEADLINE else metric
    return float(np.mean(record[name])) if name in record else float("nan")


def _of_updates(record: Mapping[str, Any], metric: str) -> float:
    return float(record.get(metric, float("nan")))
