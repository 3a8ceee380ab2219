"""Verdicts on the paper's numbers and claims, from the runs there are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import hypot

import numpy as np

from gpae.report.statistics import probability_of_improvement
from gpae.studies.cells import FilledCell
from gpae.studies.declaration import Claim, Measure, Study, matches
from gpae.studies.printed import Printed
from gpae.studies.tables import scores_of

NOT_RUN = "not run yet"
NOT_FULL = "not yet at full size"
REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"

_DEVIATIONS = 2.0


def verdict_on_number(cell: FilledCell, measure: Measure, printed: Printed) -> str:
    """A verdict on a printed mean; empty where the paper prints none.

    It is reproduced if it lies within two standard deviations of ours, printed and ours taken
    together.
    """
    value = printed.value(measure.name, cell.task, cell.row)
    if value is None:
        return ""
    ours = scores_of(cell, measure)
    if not ours:
        return NOT_RUN
    if not cell.is_complete:
        return NOT_FULL
    mean, *deviation = value
    spread = hypot(float(np.std(ours, ddof=1)) if len(ours) > 1 else 0.0, *deviation)
    difference = float(np.mean(ours)) - mean
    if abs(difference) <= _DEVIATIONS * spread:
        return REPRODUCED
    return f"{NOT_REPRODUCED} ({'higher' if difference > 0 else 'lower'})"


@dataclass(frozen=True)
class Comparison:
    """A claim about two rows on one task.

    Attributes:
        claim: The claim.
        task: The task.
        one: The runs of the row that is to be better.
        other: The runs of the other row.
        measure: The measure by which.
    """

    claim: Claim
    task: str
    one: FilledCell
    other: FilledCell
    measure: Measure

    @property
    def is_begun(self) -> bool:
        """True if both rows have runs with the measure."""
        return all(scores_of(cell, self.measure) for cell in (self.one, self.other))

    @property
    def probability(self) -> tuple[float, float, float]:
        """Probability of improvement, with its interval."""
        ours, theirs = (scores_of(cell, self.measure) for cell in (self.one, self.other))
        sign = -1.0 if self.claim.smaller else 1.0
        return probability_of_improvement(sign * np.array(ours), sign * np.array(theirs))

    @property
    def verdict(self) -> str:
        """The verdict: reproduced if the whole interval of the probability lies above a half."""
        if not self.is_begun:
            return NOT_RUN
        if not (self.one.is_complete and self.other.is_complete):
            return NOT_FULL
        _, low, high = self.probability
        if low > 0.5:
            return REPRODUCED
        return (
            f"{NOT_REPRODUCED} ({'the other is better' if high < 0.5 else 'no difference shown'})"
        )


def comparisons(study: Study, cells: Sequence[FilledCell]) -> Iterator[Comparison]:
    """Every claim of a study on every task that has both rows."""
    by_name = {(cell.task, cell.row): cell for cell in cells if cell.wanted}
    measures = {measure.name: measure for measure in study.measures}
    for claim in study.claims:
        measure = measures[claim.measure] if claim.measure else study.measures[0]
        for task in (task for task in study.tasks if matches(task, claim.tasks)):
            one = by_name.get((task, claim.row))
            others = [by_name[task, row] for row in claim.over if (task, row) in by_name]
            for other in others if one is not None else ():
                assert one is not None
                yield Comparison(claim, task, one, other, measure)
