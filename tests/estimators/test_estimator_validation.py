"""Wrong arguments are refused at once, by name, with what was expected and what was found."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae import estimators

TEAM = np.zeros((5, 2), np.float32)
AGENTS = np.zeros((5, 2, 3), np.float32)
ACTIONS = np.zeros((5, 2, 3, 4), np.float32)
FLAGS = np.zeros((5, 2), bool)

STEPS_OF_VALUES = "[T, *B] = (5, 2) as of values"
AGENTS_OF_VALUES = "[T, *B, N] = (5, 2, 3) as of values"
STEPS_OF_REWARDS = "[T, *B] = (5, 2) as of expected_rewards"
AGENTS_OF_REWARDS = "[T, *B, N] = (5, 2, 3) as of expected_rewards"

OWN = {"v_bootstrapped": "state_values", "q_corrected": "action_values"}
"""This library's own estimators, and the argument that only one of them has."""

VALID = {
    "gae": {
        "rewards": TEAM,
        "values": TEAM,
        "next_values": TEAM,
        "discounts": TEAM,
        "boundaries": FLAGS,
        "lambda_": 0.9,
    },
    "gpae": {
        "rewards": TEAM,
        "values": AGENTS,
        "next_values": AGENTS,
        "discounts": TEAM,
        "boundaries": FLAGS,
        "traces": AGENTS,
        "bootstrap_weights": AGENTS,
    },
    "dae": {
        "rewards": TEAM,
        "expected_rewards": AGENTS,
        "values": TEAM,
        "next_values": TEAM,
        "discounts": TEAM,
        "boundaries": FLAGS,
        "lambda_": 0.9,
        "beta": 0.5,
    },
    **{
        function: {
            "rewards": TEAM,
            "values": AGENTS,
            control: TEAM,
            "next_state_values": TEAM,
            "discounts": TEAM,
            "boundaries": FLAGS,
            "traces": AGENTS,
        }
        for function, control in OWN.items()
    },
    "decomposed_values": {"state_values": TEAM, "terms": AGENTS},
    "coma": {
        "action_values": ACTIONS,
        "probabilities": ACTIONS,
        "actions": np.zeros((5, 2, 3), np.int32),
    },
    "double_truncated_traces": {"log_ratios": AGENTS, "lambda_": 0.9, "eta": 1.05},
    "joint_truncated_traces": {"log_ratios": AGENTS, "lambda_": 0.9},
    "individual_truncated_traces": {"log_ratios": AGENTS, "lambda_": 0.9},
    "uncorrected_traces": {"log_ratios": AGENTS, "lambda_": 0.9},
    "inner_truncated_traces": {"log_ratios": AGENTS, "lambda_": 0.9, "eta": 1.05},
    "untruncated_traces": {"log_ratios": AGENTS, "lambda_": 0.9},
    "traces": {"scheme": "double", "log_ratios": AGENTS, "lambda_": 0.9, "eta": 1.05},
    "bootstrap_weights": {
        "log_ratios": AGENTS,
        "boundaries": FLAGS,
        "resampled": FLAGS,
        "limit": 2.0,
    },
    "value_targets": {"values": AGENTS, "advantages": AGENTS, "log_ratios": AGENTS, "limit": 2.0},
    "advantage_gap": {"advantages": AGENTS, "agents": np.zeros((5, 2), np.int32)},
    "trace_distances": {"coefficients": AGENTS, "log_ratios": AGENTS},
}

# For each function: the argument, a value of a wrong shape, and the shape expected.
WRONG_SHAPES = [
    ("gae", "values", np.float32(0), "[T, *B]"),
    *[("gae", name, AGENTS, STEPS_OF_VALUES) for name in ("rewards", "next_values", "discounts")],
    ("gae", "boundaries", FLAGS[1:], STEPS_OF_VALUES),
    ("gpae", "values", TEAM[0], "[T, *B, N]"),
    ("gpae", "rewards", AGENTS[..., :1], f"{STEPS_OF_VALUES} or {AGENTS_OF_VALUES}"),
    ("gpae", "next_values", TEAM, AGENTS_OF_VALUES),
    ("gpae", "discounts", AGENTS, STEPS_OF_VALUES),
    ("gpae", "boundaries", FLAGS[..., None], STEPS_OF_VALUES),
    ("gpae", "traces", TEAM, AGENTS_OF_VALUES),
    ("gpae", "traces", [0.9, 0.9], AGENTS_OF_VALUES),
    ("gpae", "bootstrap_weights", TEAM, AGENTS_OF_VALUES),
    ("dae", "expected_rewards", TEAM[0], "[T, *B, N]"),
    ("dae", "values", TEAM[1:], f"{STEPS_OF_REWARDS} or {AGENTS_OF_REWARDS}"),
    ("dae", "next_values", AGENTS, STEPS_OF_REWARDS),
    ("dae", "rewards", AGENTS[..., :1], f"{STEPS_OF_REWARDS} or {AGENTS_OF_REWARDS}"),
    ("dae", "discounts", AGENTS, STEPS_OF_REWARDS),
    ("dae", "boundaries", FLAGS.T, STEPS_OF_REWARDS),
    ("dae", "lambda_", TEAM, AGENTS_OF_REWARDS),
    ("dae", "lambda_", [0.9, 0.9], AGENTS_OF_REWARDS),
    *[
        (function, name, value, expected)
        for function, control in OWN.items()
        for name, value, expected in [
            ("values", TEAM[0], "[T, *B, N]"),
            ("rewards", AGENTS[..., :1], f"{STEPS_OF_VALUES} or {AGENTS_OF_VALUES}"),
            (control, TEAM[1:], f"{STEPS_OF_VALUES} or {AGENTS_OF_VALUES}"),
            ("next_state_values", AGENTS, STEPS_OF_VALUES),
            ("discounts", AGENTS, STEPS_OF_VALUES),
            ("boundaries", FLAGS.T, STEPS_OF_VALUES),
            ("traces", TEAM, AGENTS_OF_VALUES),
        ]
    ],
    ("decomposed_values", "terms", np.float32(0), "[*B, N]"),
    ("decomposed_values", "state_values", AGENTS, "[*B] = (5, 2) as of terms"),
    ("coma", "action_values", TEAM[0], "[*B, N, A]"),
    ("coma", "probabilities", AGENTS, "[*B, N, A] = (5, 2, 3, 4) as of action_values"),
    ("coma", "actions", np.zeros((5, 2), int), "[*B, N] = (5, 2, 3) as of action_values"),
    *[(name, "log_ratios", TEAM[0], "[T, *B, N]") for name in VALID if name.endswith("traces")],
    ("bootstrap_weights", "log_ratios", TEAM[0], "[T, *B, N]"),
    ("bootstrap_weights", "boundaries", FLAGS[1:], "[T, *B] = (5, 2) as of log_ratios"),
    ("bootstrap_weights", "resampled", FLAGS.T, "[T, *B] = (5, 2) as of log_ratios"),
    ("value_targets", "values", TEAM[0], "[T, *B, N]"),
    ("value_targets", "advantages", TEAM, AGENTS_OF_VALUES),
    ("value_targets", "log_ratios", TEAM, AGENTS_OF_VALUES),
    ("advantage_gap", "advantages", np.float32(0), "[*B, N]"),
    ("advantage_gap", "agents", np.zeros(5, int), "[*B] = (5, 2) as of advantages"),
    ("trace_distances", "coefficients", np.float32(0), "[*B, N]"),
    ("trace_distances", "log_ratios", TEAM, "[*B, N] = (5, 2, 3) as of coefficients"),
]

ARRAYS = [
    (function, name)
    for function, arguments in VALID.items()
    for name, value in arguments.items()
    if isinstance(value, np.ndarray)
]
TRACES = [("gpae", "traces"), ("dae", "lambda_"), *[(function, "traces") for function in OWN]]
"""What may be a fraction or an array."""

FRACTIONS = [
    (function, name)
    for function, arguments in VALID.items()
    for name in arguments
    if name in ("lambda_", "beta")
] + [("gpae", "traces"), *[(function, "traces") for function in OWN]]

POSITIVE = [
    ("double_truncated_traces", "eta"),
    ("inner_truncated_traces", "eta"),
    ("traces", "eta"),
    ("bootstrap_weights", "limit"),
    ("value_targets", "limit"),
]


def call(function, **changes):
    return getattr(estimators, function)(**VALID[function] | changes)


def refusal(error, *parts):
    return pytest.raises(error, match="^" + ".*".join(re.escape(part) for part in parts) + "$")


@pytest.mark.parametrize("function", VALID)
def test_what_is_valid_is_accepted(function):
    assert all(np.all(np.isfinite(leaf)) for leaf in jax.tree.leaves(call(function)))


@pytest.mark.parametrize(("function", "name", "value", "expected"), WRONG_SHAPES)
def test_wrong_shapes(function, name, value, expected):
    message = f"{name} must have shape {expected}; found {np.shape(value)}"
    with refusal(ValueError, message):
        call(function, **{name: value})


@pytest.mark.parametrize(("function", "name"), ARRAYS)
def test_wrong_dtypes(function, name):
    valid = VALID[function][name]
    noun, wrong = {
        "f": ("floating-point numbers", valid.astype(np.int32)),
        "i": ("integers", valid.astype(np.float32)),
        "b": ("booleans", valid.astype(np.int32)),
    }[valid.dtype.kind]
    with refusal(TypeError, f"{name} must be an array of {noun}; found dtype {wrong.dtype}"):
        call(function, **{name: wrong})


@pytest.mark.parametrize(
    ("function", "name"),
    [case for case in ARRAYS if case[1] not in ("traces", "bootstrap_weights")],
)
@pytest.mark.parametrize(
    "value", [None, "text", [[1.0], [2.0, 3.0]]], ids=["none", "str", "ragged"]
)
def test_what_is_no_array(function, name, value):
    with pytest.raises(
        TypeError, match=f"^{name} must be an array .*; found {type(value).__name__}"
    ):
        call(function, **{name: value})


@pytest.mark.parametrize(("function", "name"), FRACTIONS)
@pytest.mark.parametrize("value", [-0.1, 1.5, 2, np.nan, np.float32(1.5), np.array(-1.0)])
def test_fractions_out_of_range(function, name, value):
    with refusal(ValueError, f"{name} must be a number in [0, 1]; found {float(value)}"):
        call(function, **{name: value})


@pytest.mark.parametrize(("function", "name"), POSITIVE)
@pytest.mark.parametrize("value", [0.0, -1, np.nan, -np.inf])
def test_what_is_not_positive(function, name, value):
    with refusal(ValueError, f"{name} must be a number in (0, inf]; found {float(value)}"):
        call(function, **{name: value})


@pytest.mark.parametrize(("function", "name"), [*FRACTIONS, *POSITIVE])
@pytest.mark.parametrize("value", [None, "text", True, 1j, np.array(True), jnp.array(True)])
def test_scalars_of_a_wrong_type(function, name, value):
    found = f"found {value!r} of type {type(value).__name__}"
    with refusal(TypeError, f"{name} must be a number in ", found):
        call(function, **{name: value})


@pytest.mark.parametrize(
    ("function", "name"),
    [case for case in FRACTIONS if case not in TRACES] + POSITIVE,
)
def test_scalars_that_are_arrays(function, name):
    with refusal(ValueError, f"{name} must be a number in ", "; found an array of shape (5, 2, 3)"):
        call(function, **{name: AGENTS})


@pytest.mark.parametrize(("function", "name"), TRACES)
def test_traces_that_are_arrays_of_a_wrong_type(function, name):
    with refusal(
        TypeError, f"{name} must be an array of floating-point numbers; found dtype int32"
    ):
        call(function, **{name: AGENTS.astype(np.int32)})
    assert np.isfinite(call(function, **{name: AGENTS})).all()


@pytest.mark.parametrize("value", [0, 1, 0.5, np.float32(0.5), np.array(1), jnp.array(0.5)])
def test_scalars_of_every_accepted_type(value):
    found = call("uncorrected_traces", lambda_=value)
    np.testing.assert_array_equal(found, np.full((5, 2, 3), float(value)))


def test_a_gap_needs_two_agents():
    with refusal(ValueError, "advantages must have two agents or more; found 1 agent"):
        call("advantage_gap", advantages=AGENTS[..., :1])


def test_shapes_are_checked_under_jit_too():
    with pytest.raises(ValueError, match=r"^discounts must have shape .*; found \(5,\)"):
        jax.jit(estimators.gpae)(**VALID["gpae"] | {"discounts": TEAM[:, 0]})


def test_traced_scalars_are_not_checked_for_range():
    traces = jax.jit(estimators.joint_truncated_traces)(AGENTS, 2.0)
    np.testing.assert_array_equal(traces, np.full((5, 2, 3), 2.0))
