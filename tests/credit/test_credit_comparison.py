"""The comparison counts acting agents of chosen states, and a perfect estimator is seen as one."""

import numpy as np
import pytest

from gpae.credit import EstimatorSamples, Measured, TrueCredit
from gpae.credit.comparison import calibrate_critic, compare_estimators
from gpae.networks import CriticSpec


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
    samples = EstimatorSamples({"five": np.repeat(shown[:, None], 2, axis=1)}, np.zeros((5, 1)))
    rows = compare_estimators(samples, truth, chosen)
    assert rows["truth"]["pairs"] == counted.sum()
    five = rows["five"]
    assert five["rank_correlation"] == pytest.approx(1)
    assert five["sign_agreement_of_mean"] == 1
    assert five["scaled_error"] == pytest.approx(0, abs=1e-12)
    assert five["variance"] == pytest.approx(0)
    assert five["squared_bias"] > 0
    assert five["share_between_agents"] == pytest.approx(rows["truth"]["share_between_agents"])


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        (CriticSpec(per_agent=True), "state_values"),
        (CriticSpec(per_agent=True, others_actions=True), "expected_values"),
        (CriticSpec(per_agent=True, action_values=True), "joint_action_values"),
    ],
)
def test_a_critic_is_held_against_what_its_values_mean(truth, spec, name):
    right = getattr(truth, name).mean.reshape(5, -1)
    values = np.broadcast_to(2.0 * right - 1.0, (5, 3))
    line = calibrate_critic(spec, EstimatorSamples({}, values), truth)
    assert line == pytest.approx({"slope": 0.5, "intercept": 0.5, "r_squared": 1.0})
