"""One registry: the lab's tables and the estimators' arrays hold the same numbers."""

import itertools

import jax
import numpy as np
import pytest

from gpae import estimators, exact

TIGHT = {"rtol": 1e-12, "atol": 0}


@pytest.fixture(autouse=True)
def float64():
    with jax.enable_x64(True):
        yield


def log_ratios_of_every_entry(case):
    """``[S * A^N, N]``: log rho^i at each state and joint action, in the tables' order."""
    logs = np.log(exact.importance_ratios(case.target, case.behaviour))
    sizes = case.game.num_states, *[case.game.num_actions] * case.game.num_agents
    entries = itertools.product(*map(range, sizes))
    return np.array([[logs[i, s, a] for i, a in enumerate(joint)] for s, *joint in entries])


@pytest.mark.parametrize("eta", [0.5, estimators.DEFAULT_ETA, 10.0])
@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_traces(case, scheme, eta):
    found = estimators.traces(scheme, log_ratios_of_every_entry(case), 0.9, eta)
    table = exact.traces(scheme, case.target, case.behaviour, case.agent, lambda_=0.9, eta=eta)
    assert found.dtype == np.float64
    assert table.shape == case.game.rewards.shape
    np.testing.assert_allclose(found[:, case.agent], table.ravel(), **TIGHT)


@pytest.mark.parametrize("limit", [1.2, np.inf])
def test_bootstrap_weights(case, limit):
    entries = log_ratios_of_every_entry(case)
    following = np.concatenate([np.zeros_like(entries[:1]), entries])
    nowhere = np.zeros(len(following), bool)
    found = estimators.bootstrap_weights(following, nowhere, nowhere, limit=limit)
    policies = case.target, case.behaviour
    table = exact.bootstrap_weights("corrected", *policies, case.agent, limit=limit)
    table = np.broadcast_to(table, case.game.rewards.shape)
    np.testing.assert_allclose(found[:-1, case.agent], table.ravel(), **TIGHT)


def test_default_etas_are_one(case):
    policies = case.target, case.behaviour
    for scheme in ("double", "inner"):
        default = exact.traces(scheme, *policies, case.agent)
        named = exact.traces(scheme, *policies, case.agent, eta=estimators.DEFAULT_ETA)
        np.testing.assert_array_equal(default, named)
    assert exact.Settings().eta == estimators.DEFAULT_ETA


@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_an_action_that_the_target_rules_out_has_no_ratio_in_either(make_case, scheme):
    case = make_case(0)
    target = case.target.copy()
    target[:, 0] = [1.0, 0.0]
    table = exact.traces(scheme, target, case.behaviour, 0)
    with np.errstate(divide="ignore"):
        ruled_out = np.log(np.array([[0.0, 1.0, 1.0]]))
    expected = float(estimators.traces(scheme, ruled_out, 1.0)[0, 0])
    assert table[0, 1, 0, 0] == pytest.approx(expected, abs=1e-12)
    assert np.isfinite(table).all()
