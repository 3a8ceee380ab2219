"""Steps to a score and the mean over training, by hand."""

import math

import numpy as np
import pytest

from gpae.report.efficiency import mean_over_training, steps_to_reach

STEPS = np.array([0, 100, 300, 400])
SCORES = np.array([0.0, 0.5, 0.3, 0.9])


@pytest.mark.parametrize(
    ("threshold", "steps"), [(0.0, 0), (0.3, 100), (0.5, 100), (0.51, 400), (0.91, math.inf)]
)
def test_the_first_evaluation_that_reaches_it_counts(threshold, steps):
    assert steps_to_reach(STEPS, SCORES, threshold) == steps


def test_the_mean_over_training_is_the_area_over_the_length():
    area = 100 * 0.25 + 200 * 0.4 + 100 * 0.6
    assert mean_over_training(STEPS, SCORES) == pytest.approx(area / 400)
    assert mean_over_training(STEPS + 1000, SCORES) == pytest.approx(area / 400)
    assert mean_over_training(STEPS[:1], SCORES[1:2]) == 0.5
