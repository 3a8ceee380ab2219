import math

import numpy as np
import pytest

from gpae.report.statistics import (
    bootstrap_interval,
    interquartile_mean,
    mean,
    performance_profile,
    probability_of_improvement,
    probability_over_tasks,
    summarise,
    summarise_tasks,
)


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([3.0], 3.0),
        ([1.0, 2.0, 6.0], 3.0),
        ([100.0, 1.0, 3.0, -50.0], 2.0),
        ([0.9, 0.1, 0.5, 0.6, 0.7], 0.6),
        ([8.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 90.0], 4.5),
    ],
)
def test_interquartile_mean_by_hand(scores: list[float], expected: float) -> None:
    assert interquartile_mean(np.array(scores)) == pytest.approx(expected, abs=1e-12)


def test_interquartile_mean_reduces_the_last_axis_only() -> None:
    scores = np.random.default_rng(0).normal(size=(3, 4, 9))
    by_row = [[interquartile_mean(row) for row in block] for block in scores]
    np.testing.assert_array_equal(interquartile_mean(scores), by_row)


def test_summary_of_one_task_by_hand() -> None:
    summary = summarise([0.2, 0.4, 0.6, 0.8])
    assert summary.mean == pytest.approx(0.5)
    assert summary.std == pytest.approx(math.sqrt(0.2 / 3))
    assert summary.iqm == pytest.approx(0.5)
    assert summary.count == 4
    assert 0.2 <= summary.low < summary.iqm < summary.high <= 0.8


def test_the_aggregate_deviates_by_run_not_by_task() -> None:
    scores = [[0.0, 1.0], [0.2, 1.2], [0.4, 1.4]]
    summary = summarise(scores)
    assert summary.mean == pytest.approx(0.7)
    assert summary.std == pytest.approx(0.2)
    assert summary.iqm == pytest.approx((0.2 + 0.4 + 1.0 + 1.2) / 4)
    assert summary.count == 3


def test_each_task_is_summarised_as_if_alone() -> None:
    scores = np.random.default_rng(1).normal(size=(5, 3))
    assert summarise_tasks(scores) == [summarise(scores[:, task]) for task in range(3)]


def test_a_single_run_has_no_spread() -> None:
    summary = summarise([0.3])
    assert math.isnan(summary.std)
    assert (summary.low, summary.iqm, summary.high) == (0.3, 0.3, 0.3)


def test_resampling_stays_within_tasks() -> None:
    constant_in_each_task = np.tile([0.0, 1.0, 10.0], (4, 1))
    expected = float(constant_in_each_task.mean())
    assert bootstrap_interval(constant_in_each_task, mean) == (expected, expected)


def test_the_seed_fixes_the_interval() -> None:
    scores = np.random.default_rng(2).normal(size=30)
    assert bootstrap_interval(scores, seed=3) == bootstrap_interval(scores, seed=3)
    assert bootstrap_interval(scores, seed=3) != bootstrap_interval(scores, seed=4)


def test_a_higher_level_is_wider() -> None:
    scores = np.random.default_rng(2).normal(size=10)
    low_50, high_50 = bootstrap_interval(scores, level=0.5)
    low_99, high_99 = bootstrap_interval(scores, level=0.99)
    assert low_99 < low_50 < high_50 < high_99


def test_the_interval_agrees_with_the_normal_limit() -> None:
    scores = np.random.default_rng(5).normal(size=2000)
    low, high = bootstrap_interval(scores, mean, resamples=2000)
    half_width = 1.96 * scores.std() / math.sqrt(scores.size)
    assert (high - low) / 2 == pytest.approx(half_width, rel=0.08)
    assert (high + low) / 2 == pytest.approx(scores.mean(), abs=0.1 * half_width)


@pytest.mark.parametrize("statistic", [mean, interquartile_mean])
def test_coverage_of_the_true_mean(statistic: object) -> None:
    generator = np.random.default_rng(7)
    covered = 0
    for repetition in range(300):
        scores = generator.normal(loc=1.0, size=(20, 2))
        low, high = bootstrap_interval(scores, statistic, resamples=400, seed=repetition)
        covered += low <= 1.0 <= high
    assert 0.89 <= covered / 300 <= 0.98


@pytest.mark.parametrize(
    "scores", [[], [[]], 0.5, np.zeros((2, 2, 2)), [0.1, math.nan], [math.inf]]
)
def test_unusable_scores_are_refused(scores: object) -> None:
    with pytest.raises(ValueError, match="scores must be"):
        summarise(scores)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_out_of_range_is_refused(level: float) -> None:
    with pytest.raises(ValueError, match=r"level must lie inside \(0, 1\)"):
        bootstrap_interval([1.0, 2.0], level=level)


def test_the_probability_of_improvement_counts_pairs_and_half_of_ties():
    middle, low, high = probability_of_improvement([1.0, 3.0], [1.0, 2.0, 0.0])
    assert middle == pytest.approx((0.5 + 0 + 1 + 1 + 1 + 1) / 6)
    assert 0.0 <= low <= middle <= high <= 1.0
    assert probability_of_improvement([5.0, 6.0], [1.0, 2.0]) == (1.0, 1.0, 1.0)
    assert probability_of_improvement([1.0], [1.0, 1.0]) == (0.5, 0.5, 0.5)


def test_the_probability_of_improvement_has_the_interval_of_resampled_runs():
    scores, others = np.arange(8.0), np.arange(8.0) - 2.0
    middle, low, high = probability_of_improvement(scores, others, resamples=2000, seed=1)
    random = np.random.default_rng(7)
    drawn = [
        np.mean(
            np.sign(random.choice(scores, 8)[:, None] - random.choice(others, 8)[None]) / 2 + 0.5
        )
        for _ in range(2000)
    ]
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, [0.025, 0.975])), abs=0.03)
    assert low < middle < high


OURS = np.array(
    [
        [0.31, 0.80, 0.98],
        [0.22, 0.56, 0.72],
        [0.39, 0.59, 0.91],
        [0.02, 0.83, 0.79],
        [0.40, 0.58, 0.74],
    ]
)
THEIRS = np.array(
    [
        [0.31, 0.62, 0.79],
        [0.23, 0.60, 0.69],
        [0.02, 0.56, 0.72],
        [0.00, 0.38, 0.75],
        [0.07, 0.28, 0.83],
    ]
)
"""Scores of five runs on three tasks; rliable 1.2.0 gave the numbers below for them.

Its ``aggregate_iqm``, ``probability_of_improvement`` and ``create_performance_profile``, with
intervals by ``get_interval_estimates``, 20,000 resamples.
"""


def test_the_aggregate_is_that_of_rliable():
    summary = summarise(OURS, resamples=20000)
    assert summary.iqm == pytest.approx(0.6188888888888888, abs=1e-12)
    assert (summary.low, summary.high) == pytest.approx((0.56333333, 0.68222222), abs=0.005)
    assert summarise(THEIRS).iqm == pytest.approx(0.48777777777777787, abs=1e-12)


def test_the_probability_over_tasks_is_that_of_rliable():
    found = probability_over_tasks(list(OURS.T), list(THEIRS.T), resamples=20000)
    assert found[0] == pytest.approx(0.7266666666666667, abs=1e-12)
    assert found[1:] == pytest.approx((0.52, 0.89333333), abs=0.015)


def test_the_performance_profile_is_that_of_rliable():
    thresholds = [0.0, 0.25, 0.5, 0.6, 0.75, 0.9]
    share, low, high = performance_profile(list(OURS.T), thresholds, resamples=20000)
    np.testing.assert_allclose(share, np.array([15, 13, 10, 7, 5, 2]) / 15, atol=1e-12)
    np.testing.assert_allclose(low, np.array([15, 11, 10, 5, 2, 0]) / 15, atol=1e-12)
    np.testing.assert_allclose(high, np.array([15, 15, 10, 9, 8, 4]) / 15, atol=1e-12)


def test_the_probability_over_tasks_is_the_mean_of_the_tasks():
    ours, theirs = [[1.0, 3.0], [0.5]], [[2.0], [0.5, 0.0]]
    assert probability_over_tasks(ours, theirs)[0] == pytest.approx((0.5 + 0.75) / 2)
    assert probability_over_tasks(theirs, ours)[0] == pytest.approx((0.5 + 0.25) / 2)


def test_one_task_is_the_probability_of_improvement():
    one = probability_over_tasks([[1.0, 3.0, 2.0]], [[2.0, 2.5]], seed=4)
    assert one == probability_of_improvement([1.0, 3.0, 2.0], [2.0, 2.5], seed=4)


def test_a_profile_by_hand_counts_what_lies_above_and_weighs_tasks_alike():
    share, low, high = performance_profile([[0.2, 0.4], [0.4, 0.6, 0.8, 1.0]], [0.0, 0.4, 0.8, 1.0])
    np.testing.assert_allclose(share, [1.0, (0 + 3 / 4) / 2, (0 + 1 / 4) / 2, 0.0])
    assert (low <= share).all()
    assert (share <= high).all()
    np.testing.assert_array_equal([low[0], high[0], low[-1], high[-1]], [1.0, 1.0, 0.0, 0.0])


def test_profiles_and_probabilities_need_tasks_and_levels():
    with pytest.raises(ValueError, match="one task at least"):
        performance_profile([], [0.5])
    with pytest.raises(ValueError, match="one task at least"):
        probability_over_tasks([], [])
    with pytest.raises(ValueError, match="longer"):
        probability_over_tasks([[1.0]], [[1.0], [2.0]])
    with pytest.raises(ValueError, match="level must lie"):
        performance_profile([[1.0]], [0.5], level=1.0)
