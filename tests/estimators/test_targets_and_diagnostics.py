"""Critic targets, the advantage gap and trace distances."""

import numpy as np
import pytest

from gpae import estimators

LOG_RATIOS = np.log(np.array([[1.0, 2.0, 0.25]], np.float32))


def test_value_targets_by_hand():
    # EQ + min(1, rho^i) A: 1 + 1*2, 1 + 1*(-3), 1 + .25*4
    found = estimators.value_targets([[1.0, 1.0, 1.0]], [[2.0, -3.0, 4.0]], LOG_RATIOS)
    np.testing.assert_allclose(found, [[3.0, -2.0, 2.0]], rtol=1e-6)


@pytest.mark.parametrize(
    ("limit", "expected"), [(0.5, [2.0, -0.5, 2.0]), (1.5, [3.0, -3.5, 2.0]), (np.inf, [3, -5, 2])]
)
def test_value_targets_with_another_limit_by_hand(limit, expected):
    # EQ + min(limit, rho^i) A with ratios 1, 2 and .25
    found = estimators.value_targets([[1.0, 1.0, 1.0]], [[2.0, -3.0, 4.0]], LOG_RATIOS, limit=limit)
    np.testing.assert_allclose(found, [expected], rtol=1e-6)


def test_value_targets_without_a_limit_stay_finite():
    found = estimators.value_targets([[0.0]], [[1.0]], [[1000.0]], limit=np.inf)
    np.testing.assert_allclose(found, np.exp([[20.0]]), rtol=1e-5)


def test_value_targets_survive_huge_ratios():
    found = estimators.value_targets([[1.0, 1.0]], [[2.0, 2.0]], [[1000.0, -1000.0]])
    np.testing.assert_array_equal(found, [[3.0, 1.0]])


@pytest.mark.parametrize(("agent", "gap"), [(0, 3.0), (1, 1.5), (2, -4.5)])
def test_advantage_gap_by_hand(agent, gap):
    # (2 + 6)/2 - 1;  (1 + 6)/2 - 2;  (1 + 2)/2 - 6
    assert estimators.advantage_gap([1.0, 2.0, 6.0], agent) == gap


def test_advantage_gap_picks_one_agent_in_each_element():
    advantages = np.random.default_rng(0).normal(size=(4, 3, 3)).astype(np.float32)
    agents = np.random.default_rng(1).integers(3, size=(4, 3))
    found = estimators.advantage_gap(advantages, agents)
    for index in np.ndindex(4, 3):
        others = np.delete(advantages[index], agents[index])
        expected = others.mean() - advantages[index][agents[index]]
        np.testing.assert_allclose(found[index], expected, rtol=1e-5)


def test_a_shared_advantage_has_no_gap():
    shared = np.repeat(np.random.default_rng(2).normal(size=(50, 1)), 7, axis=-1)
    found = estimators.advantage_gap(shared.astype(np.float32), np.arange(50) % 7)
    np.testing.assert_array_equal(found, np.zeros(50))


@pytest.mark.parametrize("agent", [-1, 3])
def test_advantage_gap_is_nan_for_an_agent_that_does_not_exist(agent):
    assert np.isnan(estimators.advantage_gap([1.0, 2.0, 6.0], agent))


def test_trace_distances_by_hand():
    # rho = .5; c^DT at eta = 1.25 is .5, .5, .3125
    coefficients = estimators.double_truncated_traces(LOG_RATIOS, 1.0, 1.25)
    joint, own = estimators.trace_distances(coefficients, LOG_RATIOS)
    np.testing.assert_allclose(joint, [[0.0, 0.0, 0.1875]], atol=1e-6)
    np.testing.assert_allclose(own, [[0.5, 1.5, 0.0625]], atol=1e-6)


def test_traces_are_at_no_distance_from_the_ratios_that_they_truncate():
    log_ratios = -np.abs(np.random.default_rng(3).normal(size=(5, 2, 3))).astype(np.float32)
    joint_traces = estimators.joint_truncated_traces(log_ratios, 1.0)
    individual_traces = estimators.individual_truncated_traces(log_ratios, 1.0)
    joint, _ = estimators.trace_distances(joint_traces, log_ratios)
    _, own = estimators.trace_distances(individual_traces, log_ratios)
    np.testing.assert_allclose(joint, 0.0, atol=1e-6)
    np.testing.assert_allclose(own, 0.0, atol=1e-6)


def test_trace_distances_of_ratios_that_cancel():
    joint, own = estimators.trace_distances([[1.0, 1.0]], [[200.0, -200.0]])
    np.testing.assert_array_equal(joint, [[0.0, 0.0]])
    np.testing.assert_array_equal(own, [[np.inf, 1.0]])
