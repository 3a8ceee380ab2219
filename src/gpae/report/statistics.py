"""Summary statistics over runs: mean, standard deviation, interquartile mean and its interval.

The interquartile mean and the stratified bootstrap follow Agarwal et al. (2021), "Deep
reinforcement learning at the edge of the statistical precipice"; Table 2 of the paper reports mean
and standard deviation over seeds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike

Statistic = Callable[[Float[np.ndarray, "*b scores"]], Float[np.ndarray, "*b"]]
"""Statistic of the last axis, which holds the scores of all runs and tasks."""


@dataclass(frozen=True)
class Summary:
    """Summary of the scores of independent runs, in the scores' own unit.

    Attributes:
        mean: Mean over runs (and tasks).
        std: Sample standard deviation (``ddof = 1``) over runs, of each run's mean over tasks; NaN
            for a single run.
        iqm: Interquartile mean over runs and tasks together.
        low: Lower end of the bootstrap interval of ``iqm``.
        high: Upper end of that interval.
        count: Number of runs.
    """

    mean: float
    std: float
    iqm: float
    low: float
    high: float
    count: int


def interquartile_mean(
    scores: Float[np.ndarray, "*b scores"],
) -> Float[np.ndarray, "*b"]:
    """Average the middle half of the scores along the last axis.

    A quarter of the scores, rounded down, is left out at either end: of 5, the middle 3 remain.

    Args:
        scores: The scores, in any order.

    Returns:
        One mean for each leading index.
    """
    count = scores.shape[-1]
    cut = count // 4
    return np.sort(scores, axis=-1)[..., cut : count - cut].mean(axis=-1)


def mean(scores: Float[np.ndarray, "*b scores"]) -> Float[np.ndarray, "*b"]:
    """Average all scores along the last axis."""
    return np.mean(scores, axis=-1)


def bootstrap_interval(
    scores: ArrayLike,
    statistic: Statistic = interquartile_mean,
    *,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> tuple[float, float]:
    """Estimate a statistic's confidence interval by the stratified percentile bootstrap.

    Runs are drawn with replacement within each task, so that every resample holds every task as
    often as the scores do. With a handful of runs the interval is known to be too narrow.

    Args:
        scores: One score per run ``[runs]``, or per run and task ``[runs, tasks]``.
        statistic: The statistic, such as :func:`mean`.
        level: Confidence level, inside (0, 1).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling; the same seed gives the same interval.

    Returns:
        The lower and the upper end.

    Raises:
        ValueError: If the scores are empty, not finite or of another rank, or ``level`` is not
            inside (0, 1).
    """
    table = _score_table(scores)
    _check_level(level)
    runs, tasks = table.shape
    drawn = np.random.default_rng(seed).integers(runs, size=(resamples, runs, tasks))
    resampled = table[drawn, np.arange(tasks)].reshape(resamples, runs * tasks)
    low, high = np.quantile(statistic(resampled), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def summarise(
    scores: ArrayLike, *, level: float = 0.95, resamples: int = 5000, seed: int = 0
) -> Summary:
    """Summarise one task's runs, or aggregate over tasks.

    Args:
        scores: One score per run ``[runs]``, or per run and task ``[runs, tasks]``; scores of
            different tasks must be in one unit, such as win rates.
        level: Confidence level of the interval.
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Raises:
        ValueError: As for :func:`bootstrap_interval`.
    """
    table = _score_table(scores)
    runs = table.shape[0]
    low, high = bootstrap_interval(table, level=level, resamples=resamples, seed=seed)
    return Summary(
        mean=float(table.mean()),
        std=float(table.mean(axis=1).std(ddof=1)) if runs > 1 else float("nan"),
        iqm=float(interquartile_mean(table.reshape(-1))),
        low=low,
        high=high,
        count=runs,
    )


def mean_and_deviation(scores: ArrayLike) -> str:
    """Mean ± standard deviation over runs as text; the mean alone for a single run.

    Raises:
        ValueError: As for :func:`bootstrap_interval`.
    """
    runs = _score_table(scores).mean(axis=1)
    return f"{runs.mean():.3f}" + (f" ± {runs.std(ddof=1):.3f}" if len(runs) > 1 else "")


def summarise_tasks(
    scores: ArrayLike, *, level: float = 0.95, resamples: int = 5000, seed: int = 0
) -> list[Summary]:
    """Summarise each task on its own.

    Args:
        scores: One score per run and task, ``[runs, tasks]``.
        level: Confidence level of the intervals.
        resamples: Number of bootstrap resamples for each task.
        seed: Seed of the resampling.

    Returns:
        One summary per task, in the order of the columns.

    Raises:
        ValueError: As for :func:`bootstrap_interval`.
    """
    columns = _score_table(scores).T
    return [summarise(task, level=level, resamples=resamples, seed=seed) for task in columns]


def probability_of_improvement(
    scores: ArrayLike,
    others: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Probability that a run of one method scores higher than a run of another, on one task.

    The Mann-Whitney statistic over all pairs of runs, ties counting half (Agarwal et al. 2021); the
    interval is of the percentile bootstrap, in which the runs of each method are drawn anew.

    Args:
        scores: One score per run of the method, ``[runs]``.
        others: Those of the other method, of which there may be more or fewer.
        level: Confidence level, inside (0, 1).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The probability, and the lower and the upper end of its interval.

    Raises:
        ValueError: As for :func:`bootstrap_interval`.
    """
    return probability_over_tasks([scores], [others], level=level, resamples=resamples, seed=seed)


def probability_over_tasks(
    scores: Sequence[ArrayLike],
    others: Sequence[ArrayLike],
    *,
    level: float = 0.95,
    resamples: int = 5000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Mean over tasks of the probability that a run of one method beats a run of another.

    The average probability of improvement of Agarwal et al. (2021); in its bootstrap the runs of
    each method are drawn anew within each task.

    Args:
        scores: For each task, one score per run of the method, ``[runs]``; numbers of runs may
            differ.
        others: Those of the other method on the same tasks.
        level: Confidence level, inside (0, 1).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The probability, and the lower and the upper end of its interval.

    Raises:
        ValueError: As for :func:`bootstrap_interval`, or there are no tasks, or not the same ones.
    """
    _check_level(level)
    random = np.random.default_rng(seed)
    wins, resampled = [], np.zeros(resamples)
    for ours, theirs in zip(_by_task(scores), _by_task(others), strict=True):
        pairs = (np.sign(ours[:, None] - theirs[None, :]) + 1.0) / 2.0
        wins.append(pairs.mean())
        drawn = random.integers(len(ours), size=(resamples, len(ours)))
        against = random.integers(len(theirs), size=(resamples, len(theirs)))
        resampled += pairs[drawn[:, :, None], against[:, None, :]].mean(axis=(1, 2))
    low, high = np.quantile(resampled / len(wins), [(1 - level) / 2, (1 + level) / 2])
    return float(np.mean(wins)), float(low), float(high)


def performance_profile(
    scores: Sequence[ArrayLike],
    thresholds: ArrayLike,
    *,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[
    Float[np.ndarray, " thresholds"],
    Float[np.ndarray, " thresholds"],
    Float[np.ndarray, " thresholds"],
]:
    """Share of runs that score above each threshold, averaged over tasks.

    The run-score distribution of Agarwal et al. (2021), section 4.2, with a pointwise interval of
    the stratified percentile bootstrap.

    Args:
        scores: For each task, one score per run, ``[runs]``, all in one unit.
        thresholds: The thresholds tau; a run counts where its score is above, not at, one.
        level: Confidence level, inside (0, 1).
        resamples: Number of bootstrap resamples.
        seed: Seed of the resampling.

    Returns:
        The share at each threshold, and the lower and the upper end of its interval.

    Raises:
        ValueError: As for :func:`bootstrap_interval`, or there are no tasks.
    """
    _check_level(level)
    random, limits = np.random.default_rng(seed), np.asarray(thresholds, dtype=np.float64)
    shares, resampled = [], np.zeros((resamples, limits.size))
    for runs in _by_task(scores):
        above = (runs[:, None] > limits[None, :]).astype(np.float64)
        shares.append(above.mean(axis=0))
        drawn = random.multinomial(len(runs), np.full(len(runs), 1 / len(runs)), size=resamples)
        resampled += drawn @ above / len(runs)
    ends = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(resampled / len(shares), ends, axis=0)
    return np.mean(shares, axis=0), low, high


def _by_task(scores: Sequence[ArrayLike]) -> list[Float[np.ndarray, " runs"]]:
    """Each task's scores, checked."""
    if not len(scores):
        raise ValueError("scores must be of one task at least, found none")
    return [_score_table(runs)[:, 0] for runs in scores]


def _check_level(level: float) -> None:
    if not 0.0 < level < 1.0:
        raise ValueError(f"level must lie inside (0, 1), found {level}")


def _score_table(scores: ArrayLike) -> Float[np.ndarray, "runs tasks"]:
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2 or table.size == 0:
        raise ValueError(f"scores must be [runs] or [runs, tasks], found shape {table.shape}")
    if not np.isfinite(table).all():
        raise ValueError("scores must be finite, found NaN or an infinity")
    return table
