"""Sample efficiency of a run: steps to a score, and the mean score over training."""

import math

import numpy as np
from jaxtyping import Float, Int


def steps_to_reach(
    steps: Int[np.ndarray, " evaluations"],
    scores: Float[np.ndarray, " evaluations"],
    threshold: float,
) -> float:
    """Environment steps of the first evaluation that reaches a score.

    Args:
        steps: Environment steps at each evaluation, ascending.
        scores: The score at each, larger for better.
        threshold: The score to reach.

    Returns:
        The steps; infinity for a run that has not reached it.
    """
    reached = np.flatnonzero(scores >= threshold)
    return float(steps[reached[0]]) if reached.size else math.inf


def mean_over_training(
    steps: Int[np.ndarray, " evaluations"], scores: Float[np.ndarray, " evaluations"]
) -> float:
    """Area under a learning curve, over its length in environment steps.

    Args:
        steps: Environment steps at each evaluation, ascending.
        scores: The score at each, joined by straight lines.

    Returns:
        The area by the trapezoidal rule over the span of the steps: the mean score over training,
        in the score's unit. It is the score itself where there is a single evaluation.
    """
    if len(steps) == 1:
        return float(scores[0])
    return float(np.trapezoid(scores, steps) / (steps[-1] - steps[0]))
