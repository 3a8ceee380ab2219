"""Traces: Eq. 8 and its relatives, their order and limits, extreme ratios, and the registry."""

import itertools

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpae import estimators

CORRECTED = {
    "double": lambda log_ratios, lambda_: estimators.double_truncated_traces(
        log_ratios, lambda_, eta=1.05
    ),
    "joint": estimators.joint_truncated_traces,
    "individual": estimators.individual_truncated_traces,
}
UNBOUNDED = {
    "inner": lambda log_ratios, lambda_: estimators.inner_truncated_traces(
        log_ratios, lambda_, eta=1.05
    ),
    "untruncated": estimators.untruncated_traces,
}
RATIO_BASED = CORRECTED | UNBOUNDED
EVERY = RATIO_BASED | {"none": estimators.uncorrected_traces}

# One step of three agents whose joint ratio is 1/2: rho^-i = 1/2, 1/4 and 2.
RATIOS = np.log(np.array([[1.0, 2.0, 0.25]], np.float32))


@pytest.fixture(scope="module")
def log_ratios():
    return np.random.default_rng(0).normal(size=(6, 2, 4)).astype(np.float32)


@pytest.mark.parametrize(
    ("traces", "expected"),
    [
        # min(1, rho^i min(1.25, rho^-i)): 1 * .5, 2 * .25, .25 * 1.25
        (estimators.double_truncated_traces(RATIOS, 1.0, 1.25), [0.5, 0.5, 0.3125]),
        # the other agents' bound at .125: .125, 2 * .125, .25 * .125
        (estimators.double_truncated_traces(RATIOS, 1.0, 0.125), [0.125, 0.25, 0.03125]),
        (estimators.joint_truncated_traces(RATIOS, 1.0), [0.5, 0.5, 0.5]),
        (estimators.individual_truncated_traces(RATIOS, 1.0), [1.0, 1.0, 0.25]),
        (estimators.uncorrected_traces(RATIOS, 1.0), [1.0, 1.0, 1.0]),
        # rho^i min(1.25, rho^-i), also of the ratios to the fourth power and of their inverses
        (estimators.inner_truncated_traces(RATIOS, 1.0, 1.25), [0.5, 0.5, 0.3125]),
        (estimators.inner_truncated_traces(4 * RATIOS, 1.0, 1.25), [0.0625, 0.0625, 0.0048828125]),
        (estimators.inner_truncated_traces(-RATIOS, 1.0, 1.25), [1.25, 0.625, 2.0]),
        (estimators.untruncated_traces(RATIOS, 0.5), [0.25, 0.25, 0.25]),
        (estimators.untruncated_traces(-RATIOS, 1.0), [2.0, 2.0, 2.0]),
    ],
)
def test_traces_by_hand(traces, expected):
    np.testing.assert_allclose(traces[0], expected, rtol=1e-6)


@pytest.mark.parametrize("name", EVERY)
def test_traces_scale_with_lambda(name, log_ratios):
    np.testing.assert_allclose(
        EVERY[name](log_ratios, 0.5), 0.5 * EVERY[name](log_ratios, 1.0), rtol=1e-7
    )


@pytest.mark.parametrize("name", EVERY)
def test_identical_policies_leave_lambda(name):
    found = EVERY[name](np.zeros((3, 2, 4), np.float32), 0.95)
    np.testing.assert_array_equal(found, np.full((3, 2, 4), 0.95, np.float32))


def test_no_bound_on_the_others_gives_the_joint_traces(log_ratios):
    np.testing.assert_allclose(
        estimators.double_truncated_traces(log_ratios, 0.9, np.inf),
        estimators.joint_truncated_traces(log_ratios, 0.9),
        rtol=1e-5,
    )


def test_a_vanishing_bound_on_the_others_cuts_the_traces(log_ratios):
    eta = 1e-6
    found = estimators.double_truncated_traces(log_ratios, 1.0, eta)
    np.testing.assert_allclose(found, eta * np.exp(log_ratios), rtol=1e-4)


def test_bound_one_is_below_the_joint_and_the_individual_traces(log_ratios):
    double = np.asarray(estimators.double_truncated_traces(log_ratios, 1.0, 1.0))
    assert np.all(double <= estimators.joint_truncated_traces(log_ratios, 1.0) * (1 + 1e-5))
    assert np.all(double <= estimators.individual_truncated_traces(log_ratios, 1.0))


def test_traces_grow_with_the_bound_on_the_others(log_ratios):
    grown = [estimators.double_truncated_traces(log_ratios, 1.0, eta) for eta in (0.5, 1.0, 1.1, 4)]
    for smaller, larger in itertools.pairwise(grown):
        assert np.all(smaller <= larger)
        assert np.any(smaller < larger)


def test_one_agent_has_the_same_corrected_traces_by_every_name(log_ratios):
    alone = log_ratios[..., :1]
    expected = 0.9 * np.minimum(1.0, np.exp(alone))
    for name, traces in CORRECTED.items():
        np.testing.assert_allclose(traces(alone, 0.9), expected, rtol=1e-6, err_msg=name)


def test_double_traces_tell_agents_apart_and_joint_ones_do_not(log_ratios):
    assert np.ptp(estimators.joint_truncated_traces(log_ratios, 1.0), axis=-1).max() == 0.0
    assert np.ptp(estimators.double_truncated_traces(log_ratios, 1.0, 1.05), axis=-1).max() > 0.1


@pytest.mark.parametrize("name", RATIO_BASED)
def test_renaming_the_agents_renames_the_traces(name, log_ratios):
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        RATIO_BASED[name](log_ratios[..., order], 0.9),
        RATIO_BASED[name](log_ratios, 0.9)[..., order],
        rtol=1e-5,
    )


@pytest.mark.parametrize("name", RATIO_BASED)
def test_steps_and_environments_do_not_mix(name, log_ratios):
    square = np.random.default_rng(1).normal(size=(3, 3, 3)).astype(np.float32)
    whole = RATIO_BASED[name](square, 1.0)
    for t, b in np.ndindex(3, 3):
        alone = RATIO_BASED[name](square[t, b][None], 1.0)[0]
        np.testing.assert_allclose(whole[t, b], alone, rtol=1e-6)


@pytest.mark.parametrize("name", UNBOUNDED)
def test_one_agent_without_outer_truncation_keeps_its_own_ratio(name, log_ratios):
    alone = log_ratios[..., :1]
    np.testing.assert_allclose(UNBOUNDED[name](alone, 0.9), 0.9 * np.exp(alone), rtol=1e-6)


def test_outer_truncation_is_all_that_parts_double_from_inner_and_joint_from_untruncated(
    log_ratios,
):
    pairs = {"double": "inner", "joint": "untruncated"}
    for truncated, free in pairs.items():
        bounded, unbounded = (
            np.asarray(EVERY[name](log_ratios, 1.0)) for name in (truncated, free)
        )
        np.testing.assert_array_equal(bounded, np.minimum(1.0, unbounded))
        assert unbounded.max() > 2.0


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    ratios=st.lists(st.floats(-1e4, 1e4, width=32), min_size=3, max_size=3),
    eta=st.sampled_from([1e-3, 1.0, 1.05, float("inf")]),
)
def test_traces_stay_in_range_whatever_the_ratios(ratios, eta):
    extreme = np.asarray([ratios], np.float32)
    for found in (
        estimators.double_truncated_traces(extreme, 0.95, eta),
        estimators.joint_truncated_traces(extreme, 0.95),
        estimators.individual_truncated_traces(extreme, 0.95),
    ):
        assert np.all((found >= 0.0) & (found <= np.float32(0.95)))


@pytest.mark.parametrize("name", UNBOUNDED)
def test_ratios_without_a_bound_of_their_own_stop_at_e_to_the_20(name):
    extreme = np.array([[100.0, 0.0], [20.5, 0.0], [19.5, 0.0]], np.float32)
    own = UNBOUNDED[name](extreme, 0.5)[:, 0]
    np.testing.assert_allclose(own, 0.5 * np.exp([20.0, 20.0, 19.5]), rtol=1e-5)


@pytest.mark.parametrize("size", [200.0, 1e6])
def test_huge_ratios_that_cancel_neither_overflow_nor_vanish(size):
    # exp(200) is infinite in float32. rho = 1; rho^1 min(eta, rho^-1) = e^200 e^-200 = 1.
    opposed = np.array([[size, -size]], np.float32)
    np.testing.assert_array_equal(estimators.joint_truncated_traces(opposed, 1.0), [[1.0, 1.0]])
    np.testing.assert_array_equal(
        estimators.double_truncated_traces(opposed, 1.0, 1.05), [[1.0, 0.0]]
    )
    np.testing.assert_array_equal(
        estimators.double_truncated_traces(opposed, 1.0, np.inf), [[1.0, 1.0]]
    )


def test_an_action_that_the_target_policy_rules_out_has_no_trace():
    log_ratios = np.array([[-np.inf, 0.5, 0.0], [-np.inf, -np.inf, 0.0]], np.float32)
    joint = estimators.joint_truncated_traces(log_ratios, 1.0)
    np.testing.assert_array_equal(joint, np.zeros((2, 3)))
    double = estimators.double_truncated_traces(log_ratios, 1.0, 1.05)
    np.testing.assert_array_equal(double, np.zeros((2, 3)))
    individual = estimators.individual_truncated_traces(log_ratios, 1.0)
    np.testing.assert_array_equal(individual, jnp.array([[0.0, 1.0, 1.0], [0.0, 0.0, 1.0]]))
    for traces in UNBOUNDED.values():
        np.testing.assert_array_equal(traces(log_ratios, 1.0), np.zeros((2, 3)))
