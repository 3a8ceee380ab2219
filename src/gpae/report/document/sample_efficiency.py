"""Sample efficiency of a report's entries: steps to a score, and means over training."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gpae.report.document.entries import Comparison, Entry, Steps, ends_of
from gpae.report.efficiency import mean_over_training, steps_to_reach

_PARTS = (0.5, 0.9)


@dataclass(frozen=True)
class Efficiency:
    """Sample efficiency of an entry, up to where all entries of its task can be compared.

    Attributes:
        entry: The entry.
        steps: Environment steps of the evaluations up to there.
        over_training: Each run's mean score over training.
        reached: By threshold, each run's environment steps to it, infinity where it is not reached.
    """

    entry: Entry
    steps: Steps
    over_training: Float[np.ndarray, " runs"]
    reached: dict[float, Float[np.ndarray, " runs"]]


def efficiencies(comparison: Comparison, thresholds: Sequence[float] = ()) -> list[Efficiency]:
    """The sample efficiency of every entry; none for tasks whose entries share no steps.

    Args:
        comparison: The runs.
        thresholds: Scores to reach; by default a win rate of 0.5 and 0.9, and of another metric
            half and nine tenths of the way from the task's mean at the beginning to the best
            label's at the end.
    """
    found = []
    for task in comparison.tasks:
        entries = comparison.of_task(task)
        ends = ends_of(entries)
        if ends is None:
            continue
        wanted = list(thresholds) or default_thresholds(entries, ends)
        found += [
            _efficiency(entry, entry.steps[entry.steps <= end], wanted)
            for entry, end in zip(entries, ends, strict=True)
        ]
    return found


def default_thresholds(entries: Sequence[Entry], ends: Sequence[int]) -> list[float]:
    """Scores to reach on a task, to two significant digits unless they are win rates."""
    if entries[0].metric == "win_rate":
        return list(_PARTS)
    sign = entries[0].sign
    begun = np.mean([entry.scores_at(int(entry.steps[0])).mean() for entry in entries])
    means = [entry.scores_at(end).mean() for entry, end in zip(entries, ends, strict=True)]
    best = sign * max(sign * mean for mean in means)
    return [float(f"{begun + part * (best - begun):.2g}") for part in _PARTS]


def _efficiency(entry: Entry, steps: Steps, thresholds: Sequence[float]) -> Efficiency:
    curves = entry.curves_within(steps)
    reached = {
        threshold: np.array(
            [steps_to_reach(steps, entry.sign * each, entry.sign * threshold) for each in curves]
        )
        for threshold in thresholds
    }
    over_training = np.array([mean_over_training(steps, each) for each in curves])
    return Efficiency(entry, steps, over_training, reached)
