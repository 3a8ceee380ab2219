"""The comparison counts acting agents of chosen states, and a perfect estimator is seen as one."""

import numpy as np
import pytest

from gpae.credit import EstimatorSamples, GradientMoments, Measured, TrueCredit
from gpae.credit.comparison import calibrate, compare_estimators, compare_gradients


def measured(mean):
    return Measured(mean, np.zeros_like(mean))


@pytest.fixture
def truth():
    rng = np.random.default_rng(0)
    return TrueCredit(
        state_values=measured(rng.normal(size=5)),
        joint_action_values=measured(rng.normal(size=5)),
        expected_values=measured(rng.normal(size=(5, 3))),
        advantages=measured(rng.normal(size=(5, 3))),
        own_action_values=None,
        acting=np.arange(15).reshape(5, 3) % 4 != 0,
        cut_off=0.0,
    )


def test_a_perfect_estimator_of_the_chosen_pairs(truth):
    chosen = np.array([True, True, False, True, False])
    counted = truth.acting & chosen[:, None]
    shown = np.where(counted, 5.0 * truth.advantages.mean, 1e6)
    rows = compare_estimators({"five": np.repeat(shown[:, None], 2, axis=1)}, truth, chosen)
    assert rows["truth"]["pairs"] == counted.sum()
    five = rows["five"]
    assert five["rank_correlation"] == pytest.approx(1)
    assert five["sign_agreement_of_mean"] == 1
    assert five["scaled_error"] == pytest.approx(0, abs=1e-12)
    assert five["variance"] == pytest.approx(0)
    assert five["squared_bias"] > 0
    assert five["share_between_agents"] == pytest.approx(rows["truth"]["share_between_agents"])


def test_baselines_are_held_against_expected_values_of_acting_agents(truth):
    values = np.where(truth.acting, 2.0 * truth.expected_values.mean - 1.0, 1e6)
    line = calibrate(EstimatorSamples({}, np.repeat(values[:, None], 3, axis=1)), truth)
    assert line == pytest.approx({"slope": 0.5, "intercept": 0.5, "r_squared": 1.0})


def test_gradients_are_held_against_the_reference():
    moments = GradientMoments(square=np.array([5.0, 9.0]), variance=np.array([4.0, 6.0]))
    halved = GradientMoments(square=moments.square / 2, variance=moments.variance / 4)
    rows = compare_gradients({"mappo": moments, "ours": halved}, "mappo")
    assert rows["ours"] == pytest.approx(
        {
            "gradient_variance": 1.25,
            "gradient_signal": 2.25,
            "gradient_variance_ratio": 0.25,
            "gradient_signal_ratio": 1.125,
        }
    )
    assert "gradient_variance_ratio" not in compare_gradients({"ours": halved}, "mappo")["ours"]
