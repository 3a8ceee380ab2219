"""Objective of a search: the mean of the last evaluations of a trial's runs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gpae.errors import UserError
from gpae.report.evaluations import Evaluations

EVALUATIONS_AVERAGED = 3
"""The last evaluations of a run that are averaged; fewer where there are not as many."""


def objective(runs: Sequence[Path], metric: str, mode: str) -> float:
    """The mean over runs of the mean of a metric in their last three evaluations.

    The evaluation before the first update does not count, nor does the absolute metric, which is
    for reports.

    Args:
        runs: The folders of a trial's runs, one a seed.
        metric: The headline metric.
        mode: The mode of evaluation, ``greedy`` or ``sampled``.

    Raises:
        UserError: A run has no evaluation after its beginning.
    """
    means = []
    for run in runs:
        evaluations = Evaluations.load(run, mode)
        trained = evaluations.means(metric)[evaluations.steps > 0]
        if not len(trained):
            raise UserError(f"{run} has no evaluation of what was learnt: nothing to compare")
        means.append(trained[-EVALUATIONS_AVERAGED:].mean())
    return float(np.mean(means))
