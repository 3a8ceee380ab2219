"""The registry of trace schemes, and a scheme from outside the package."""

import dataclasses

import numpy as np
import pytest

from gpae import estimators
from gpae.estimators import trace_schemes

NAMES = ["none", "individual", "joint", "double", "inner", "untruncated"]

FUNCTIONS = {
    "none": estimators.uncorrected_traces,
    "individual": estimators.individual_truncated_traces,
    "joint": estimators.joint_truncated_traces,
    "double": estimators.double_truncated_traces,
    "inner": estimators.inner_truncated_traces,
    "untruncated": estimators.untruncated_traces,
}


@pytest.fixture(scope="module")
def log_ratios():
    return np.random.default_rng(3).normal(size=(6, 2, 4)).astype(np.float32)


@pytest.fixture
def own_scheme():
    """A scheme registered as another package would, and forgotten after the test."""
    decorate = estimators.register_trace_scheme("own", formula="rho^i", source="this test")
    decorate(lambda ratios, eta: ratios.own)
    yield estimators.TRACE_SCHEMES["own"]
    del trace_schemes._SCHEMES["own"]


def test_all_six_are_registered():
    assert list(estimators.TRACE_SCHEMES) == NAMES
    for name, scheme in estimators.TRACE_SCHEMES.items():
        assert scheme.name == name
        assert scheme.formula
        assert scheme.source


def test_a_scheme_by_name_is_its_function(log_ratios):
    for name, function in FUNCTIONS.items():
        np.testing.assert_array_equal(
            estimators.traces(name, log_ratios, 0.9), function(log_ratios, 0.9)
        )


def test_a_formula_is_what_is_computed(log_ratios):
    """Each formula evaluated as it is written, with ratios multiplied out."""
    ratios = np.exp(log_ratios.astype(np.float64))
    others = np.stack([np.delete(ratios, i, axis=-1).prod(-1) for i in range(4)], axis=-1)
    names = {"own": ratios, "others": others, "rho": ratios.prod(-1, keepdims=True), "eta": 1.1}
    for name, scheme in estimators.TRACE_SCHEMES.items():
        words = scheme.formula.replace("rho^-i", "others").replace("rho^i", "own")
        words = words.replace("own min", "own * min")
        expected = eval(words, {"min": np.minimum}, names)
        found = estimators.traces(name, log_ratios, 1.0, eta=1.1)
        np.testing.assert_allclose(
            found, np.broadcast_to(expected, ratios.shape), rtol=2e-6, err_msg=name
        )


def test_eta_matters_where_a_scheme_says_so(log_ratios):
    for name, scheme in estimators.TRACE_SCHEMES.items():
        small, large = (estimators.traces(name, log_ratios, 1.0, eta) for eta in (0.5, 1.5))
        assert np.any(small != large) == scheme.uses_eta


def test_one_default_eta(log_ratios):
    assert estimators.DEFAULT_ETA == 1.02
    for name in ("double", "inner"):
        np.testing.assert_array_equal(
            FUNCTIONS[name](log_ratios, 0.9), estimators.traces(name, log_ratios, 0.9, eta=1.02)
        )


def test_a_scheme_from_outside_is_known_by_name(own_scheme, log_ratios):
    found = estimators.traces("own", log_ratios, 0.5)
    np.testing.assert_allclose(found, 0.5 * np.exp(log_ratios), rtol=1e-6)
    assert (own_scheme.uses_eta, own_scheme.contracts_with) == (False, ())


def test_a_name_is_given_once(own_scheme):
    with pytest.raises(ValueError, match=r"^trace scheme 'own' is registered already"):
        estimators.register_trace_scheme("own", formula="", source="")(lambda ratios, eta: None)


def test_an_unknown_scheme_is_refused_with_those_there_are(log_ratios):
    expected = f"^scheme must be one of {', '.join(NAMES)}; found 'treble'$"
    with pytest.raises(ValueError, match=expected):
        estimators.traces("treble", log_ratios, 0.9)
    with pytest.raises(ValueError, match=expected):
        estimators.find_trace_scheme("treble")


def test_the_registry_is_read_only():
    with pytest.raises(TypeError):
        estimators.TRACE_SCHEMES["other"] = estimators.TRACE_SCHEMES["joint"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimators.TRACE_SCHEMES["joint"].name = "other"
