"""Statistics on numbers made by hand."""

import numpy as np
import pytest

from gpae.credit.statistics import (
    bias_and_variance,
    calibration,
    rank_correlation,
    scaled_error,
    share_between_agents,
    sign_agreement,
)


def test_rank_correlation_sees_order_alone():
    truth = np.array([1.0, 2.0, 3.0, 4.0])
    assert rank_correlation(np.exp(truth), truth) == pytest.approx(1)
    assert rank_correlation(-(truth**3), truth) == pytest.approx(-1)
    assert rank_correlation(np.array([1.0, 3.0, 2.0, 4.0]), truth) == pytest.approx(0.8)
    assert rank_correlation(np.array([1.0, 1.0, 2.0, 2.0]), truth) == pytest.approx(2 / 5**0.5)
    assert np.isnan(rank_correlation(np.ones(4), truth))


def test_signs_count_where_the_truth_has_one():
    assert sign_agreement(np.array([1, -1, 2, 0, 5]), np.array([3, 1, 0, -1, 2])) == 0.5


def test_scaled_error_is_free_of_scale_but_not_of_origin():
    truth = np.array([1.0, -2.0, 3.0])
    assert scaled_error(0.01 * truth, truth) == pytest.approx(0)
    assert scaled_error(-truth, truth) == pytest.approx(0)
    assert scaled_error(np.array([2.0, 1.0, 0.0]), truth) == pytest.approx(1)
    assert scaled_error(np.zeros(3), truth) == 1
    assert scaled_error(np.array([1.0, 0.0]), np.array([1.0, 1.0])) == pytest.approx(0.5)


def test_bias_and_variance_by_hand():
    samples = np.array([[1.0, 3.0], [0.0, 0.0]])
    bias, variance = bias_and_variance(samples, np.array([0.0, 1.0]), np.array([0.5, 0.0]))
    assert variance == pytest.approx(1.0)
    assert bias == pytest.approx(((4 - 1 - 0.25) + 1) / 2)


def test_bias_is_free_of_the_noise_of_both_means():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=20_000)
    measured = truth + 0.5 * rng.normal(size=20_000)
    samples = truth[:, None] + 0.3 + rng.normal(size=(20_000, 4))
    bias, variance = bias_and_variance(samples, measured, np.full(20_000, 0.5))
    assert bias == pytest.approx(0.09, abs=0.03)
    assert variance == pytest.approx(1, abs=0.03)


def test_share_between_agents_leaves_out_those_that_do_not_act():
    everybody = np.ones((2, 2), bool)
    assert share_between_agents(np.array([[1.0, 1.0], [-2.0, -2.0]]), everybody) == 0
    assert share_between_agents(np.array([[1.0, -1.0], [-2.0, 2.0]]), everybody) == 1
    acting = np.array([[True, True, False]])
    assert share_between_agents(np.array([[3.0, 1.0, 99.0]]), acting) == pytest.approx(0.2)


def test_calibration_is_the_line_from_values_to_the_truth():
    values = np.array([0.0, 1.0, 2.0])
    assert calibration(values, 3 + 2 * values) == pytest.approx(
        {"slope": 2, "intercept": 3, "r_squared": 1}
    )
    assert calibration(values, np.array([0.0, 1.0, 0.0])) == pytest.approx(
        {"slope": 0, "intercept": 1 / 3, "r_squared": 0}
    )
