"""Comparisons of labels with each other: over pairs of runs, and over tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from gpae.report.document.entries import Comparison, Entry, Scores, ends_of
from gpae.report.statistics import performance_profile, probability_over_tasks

THRESHOLDS = np.linspace(0.0, 1.0, 101)
"""Scores at which performance profiles are computed."""

_FRACTIONS = ("win_rate",)


@dataclass(frozen=True)
class Improvement:
    """Probability that a run of one label is better than a run of another.

    Attributes:
        task: The task's label, or ``all N tasks``.
        env_steps: The environment steps at which they are compared; none over several tasks.
        one: The label that is better with this probability.
        other: The other label.
        probability: The probability; ties count half.
        low: Lower end of its 95 % bootstrap interval.
        high: Upper end.
    """

    task: str
    env_steps: tuple[int, ...]
    one: str
    other: str
    probability: float
    low: float
    high: float


def improvements(comparison: Comparison) -> list[Improvement]:
    """Each pair of labels on each task, then over the tasks that both have, if several."""
    found: list[Improvement] = []
    for one, other in combinations(comparison.labels, 2):
        found += _of_pair(comparison, one, other)
    order = {task: number for number, task in enumerate(comparison.tasks)}
    return sorted(found, key=lambda each: order.get(each.task, len(order)))


def _of_pair(comparison: Comparison, one: str, other: str) -> Iterator[Improvement]:
    pairs: list[tuple[Scores, Scores]] = []
    for task in comparison.shared_tasks([one, other]):
        entries = [entry for each in (one, other) if (entry := comparison.entry(task, each))]
        ends = ends_of(entries)
        if ends is None:
            continue
        ours, theirs = _signed(entries, ends)
        pairs.append((ours, theirs))
        probability = probability_over_tasks([ours], [theirs])
        yield Improvement(task, tuple(sorted(set(ends))), one, other, *probability)
    if len(pairs) > 1:
        over_tasks = probability_over_tasks(*zip(*pairs, strict=True))
        yield Improvement(f"all {len(pairs)} tasks", (), one, other, *over_tasks)


@dataclass(frozen=True)
class Normalised:
    """Scores of all labels in one unit, on the tasks that all of them have.

    Attributes:
        tasks: The tasks.
        unit: The unit in words.
        scores: By label, each task's scores, ``[runs]``, from 0 to 1.
    """

    tasks: Sequence[str]
    unit: str
    scores: dict[str, list[Scores]]


def normalised(comparison: Comparison) -> Normalised | None:
    """Scores in one unit: as they are where all are win rates, else by each task's range.

    None where there is no task on which all labels can be compared.
    """
    ends = {
        task: found
        for task in comparison.shared_tasks(comparison.labels)
        if (found := ends_of(comparison.of_task(task))) is not None
    }
    if not ends:
        return None
    plain = all(entry.metric in _FRACTIONS for entry in comparison.entries)
    scores: dict[str, list[Scores]] = {label: [] for label in comparison.labels}
    for task in ends:
        entries = comparison.of_task(task)
        signed = _signed(entries, ends[task])
        for entry, values in zip(entries, signed if plain else _ranged(signed), strict=True):
            scores[entry.label].append(values)
    unit = "win rate" if plain else "score, from the task's worst run (0) to its best (1)"
    return Normalised(list(ends), unit, scores)


def _signed(entries: Sequence[Entry], ends: Sequence[int]) -> list[Scores]:
    """Scores at some environment steps, larger for better."""
    return [entry.sign * entry.scores_at(at) for entry, at in zip(entries, ends, strict=True)]


def _ranged(scores: Sequence[Scores]) -> list[Scores]:
    """Scores by their range over all entries, 1 where there is none."""
    every = np.concatenate(scores)
    low, span = every.min(), np.ptp(every)
    return [(each - low) / span if span else np.ones_like(each) for each in scores]


@dataclass(frozen=True)
class Profile:
    """Performance profile of a label: at each of :data:`THRESHOLDS`, the share of runs above it.

    Attributes:
        share: The share.
        low: Lower ends of its pointwise 95 % bootstrap intervals.
        high: Upper ends.
    """

    share: Float[np.ndarray, " thresholds"]
    low: Float[np.ndarray, " thresholds"]
    high: Float[np.ndarray, " thresholds"]


def profiles(scores: Normalised) -> dict[str, Profile]:
    """The performance profile of each label."""
    return {
        label: Profile(*performance_profile(of_tasks, THRESHOLDS))
        for label, of_tasks in scores.scores.items()
    }
