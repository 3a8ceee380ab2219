"""Trace schemes by name, and the weights of the corrected bootstrap."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.estimators import BOOTSTRAPS, TRACE_SCHEMES
from gpae.methods import METHODS, CorrectableBootstrap, Gpae, PolicyGradientMethod, QCorrected

ETA = 1.1

WITH_TRACES = [
    kind for kind in map(METHODS.__getitem__, METHODS) if issubclass(kind, PolicyGradientMethod)
]
CORRECTABLE = [kind for kind in WITH_TRACES if issubclass(kind, CorrectableBootstrap)]

SCHEMES = {
    "double": lambda own, others: np.minimum(1.0, own * np.minimum(ETA, others)),
    "joint": lambda own, others: np.minimum(1.0, own * others),
    "individual": lambda own, others: np.minimum(1.0, own),
    "none": lambda own, others: np.ones_like(own),
    "inner": lambda own, others: own * np.minimum(ETA, others),
    "untruncated": lambda own, others: own * others,
}


def ratios(evidence):
    """rho^i and rho^-i, each from its definition as a product."""
    each = np.exp(np.asarray(evidence.log_ratios, np.float64))
    others = [np.delete(each, agent, axis=-1).prod(-1) for agent in range(each.shape[-1])]
    return each, np.stack(others, axis=-1)


def test_the_named_schemes_are_those_tested():
    assert set(TRACE_SCHEMES) == set(SCHEMES)
    assert BOOTSTRAPS == ("paper", "corrected")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("method", WITH_TRACES)
def test_a_scheme_gives_its_coefficients_with_lambda_left_out(evidence, scheme, method):
    values = 4 if method is QCorrected else 3
    given = evidence(values=values, spread=0.5)
    correction = method(lambda_=0.5, trace_scheme=scheme, eta=ETA)
    expected = SCHEMES[scheme](*ratios(given))
    np.testing.assert_allclose(correction.coefficients(given.log_ratios), expected, rtol=1e-5)
    np.testing.assert_allclose(correction.estimate(given).coefficients, expected, rtol=1e-5)


@pytest.mark.parametrize("scheme", ["inner", "untruncated"])
def test_the_exact_combination_is_trained_as_it_is_defined(evidence, step_by_step, scheme):
    """Eq. 7 and 11 without truncation but the inner one, and with the weighted bootstrap."""
    given = evidence(spread=0.5)
    own, others = ratios(given)
    elsewhere = np.asarray(given.boundaries | given.resampled)[..., None]
    following = np.concatenate([others[1:], np.ones_like(others[:1])])
    weights = np.where(elsewhere, 1.0, following)
    method = Gpae(
        lambda_=0.9, trace_scheme=scheme, eta=ETA, bootstrap="corrected", target_limit=np.inf
    )
    found = method.estimate(given)
    expected = step_by_step(given, 0.9 * SCHEMES[scheme](own, others), weights)
    np.testing.assert_allclose(found.advantages, expected, rtol=1e-4, atol=1e-4)
    targets = np.asarray(given.values) + own * expected
    np.testing.assert_allclose(found.targets["critic"], targets, rtol=1e-4, atol=1e-4)
    assert (np.asarray(found.coefficients) > 1.5).any()


def test_the_printed_targets_truncate_the_own_ratio(evidence):
    given = evidence(spread=0.5)
    printed, free = (Gpae(target_limit=limit).estimate(given) for limit in (1.0, np.inf))
    own, _ = ratios(given)
    np.testing.assert_array_equal(printed.advantages, free.advantages)
    errors = [each.targets["critic"] - given.values for each in (printed, free)]
    np.testing.assert_allclose(errors[0] / errors[1], np.minimum(1.0, own) / own, rtol=2e-2)


@pytest.mark.parametrize("method", WITH_TRACES)
def test_an_unknown_scheme_is_refused_by_name(evidence, method):
    with pytest.raises(ValueError, match=r"scheme must be one of .*found 'treble'"):
        method(trace_scheme="treble").coefficients(evidence().log_ratios)


@pytest.mark.parametrize("method", CORRECTABLE)
def test_the_estimator_as_printed_has_no_bootstrap_weights(evidence, method):
    assert method().bootstrap_weights(evidence(spread=0.5)) is None


@pytest.mark.parametrize("method", CORRECTABLE)
@pytest.mark.parametrize("limit", [float("inf"), 1.2])
def test_the_bootstrap_is_weighted_by_the_others_ratio_of_the_next_step(evidence, limit, method):
    values = 4 if method is QCorrected else 3
    given = evidence(values=values, spread=0.5)
    correction = method(bootstrap="corrected", bootstrap_limit=limit)
    weights = np.asarray(correction.bootstrap_weights(given))
    _, others = ratios(given)
    inside = ~np.asarray(given.boundaries)[:-1]
    expected = np.minimum(limit, others)[1:][inside]
    np.testing.assert_allclose(weights[:-1][inside], expected, rtol=1e-5)
    assert (expected == limit).any() == np.isfinite(limit)
    np.testing.assert_array_equal(weights[np.asarray(given.resampled)], 1.0)
    np.testing.assert_array_equal(weights[-1], 1.0)


def test_a_huge_ratio_of_the_next_episode_does_not_reach_back_over_a_termination(evidence):
    given = evidence(spread=0.5)
    terminated = np.asarray(given.discounts)[:-1] == 0
    after = np.zeros(given.log_ratios.shape, bool)
    after[1:] = terminated[..., None]
    huge = dataclasses.replace(given, log_ratios=jnp.where(after, 100.0, given.log_ratios))
    method = Gpae(bootstrap="corrected")
    before, behind = method.estimate(given).advantages, method.estimate(huge).advantages
    assert terminated.any()
    np.testing.assert_array_equal(before[:-1][terminated], behind[:-1][terminated])


def test_weights_without_a_limit_stay_finite(evidence):
    given = evidence(spread=0.5)
    huge = dataclasses.replace(given, log_ratios=jnp.full_like(given.log_ratios, 100.0))
    weights = np.asarray(Gpae(bootstrap="corrected").bootstrap_weights(huge))
    inside = ~np.asarray(given.boundaries)[:-1]
    np.testing.assert_allclose(weights[:-1][inside], np.exp(20.0), rtol=1e-5)
