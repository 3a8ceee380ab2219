"""Learning curves of two trainers, and how far apart they can be."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from scipy import stats

from gpae.errors import UserError
from gpae.runs import RecordFile

MEASURES = {
    "training win rate": ("train/win_rate", "win_rate"),
    "training return": ("train/episode_return", "returns"),
}
"""Compared measures, by the names our runs and JaxMARL's scripts have for them."""

PARTS = {"whole run": 0.0, "last quarter": 0.75}
"""From where on a curve is averaged, as a part of its updates."""

Curve = list[float]
"""A number an update."""


@dataclass(frozen=True)
class Difference:
    """Difference in score between two groups of runs.

    Attributes:
        mean: The difference of their means.
        low: Lower end of its 95 % interval (Welch's, for groups of unequal variance).
        high: Upper end.
    """

    mean: float
    low: float
    high: float

    @classmethod
    def of(cls, ours: Sequence[float], against: Sequence[float]) -> "Difference":
        """Compare scores of independent runs, at least two on either side.

        Groups without any spread give an interval of NaN unless they are all alike.
        """
        difference = fmean(ours) - fmean(against)
        if len({*ours, *against}) == 1:
            return cls(difference, difference, difference)
        test = stats.ttest_ind(ours, against, equal_var=False)
        low, high = test.confidence_interval(0.95)
        return cls(difference, float(low), float(high))


def read_curves(path: Path) -> dict[str, Curve]:
    """Read the curves of a file of JSON lines, a line an update.

    Args:
        path: A run's ``metrics.jsonl``, or what ``benchmarks/jaxmarl_baseline.py --log`` wrote.

    Returns:
        A curve of each of :data:`MEASURES`.

    Raises:
        UserError: The file is empty, or lacks a measure under any of its names.
    """
    records = RecordFile(path).read()
    if not records:
        raise UserError(f"{path} holds no curve: the command must write one there")
    curves = {}
    for measure, names in MEASURES.items():
        known = [name for name in names if all(name in record for record in records)]
        if not known:
            raise UserError(f"{path} has no {measure}: it must be named {' or '.join(names)}")
        curves[measure] = [float(record[known[0]]) for record in records]
    return curves


def average(curve: Curve, part: str) -> float:
    """The mean of a part of a curve, one of :data:`PARTS`."""
    return float(np.mean(curve[int(PARTS[part] * len(curve)) :]))
