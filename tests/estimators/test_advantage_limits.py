"""What the estimators must reduce to, and what must not leak: limits, boundaries and axes."""

import numpy as np
import pytest

from gpae import estimators

pytestmark = pytest.mark.usefixtures("float64")

TIGHT = {"rtol": 1e-12, "atol": 1e-12}


@pytest.fixture
def window(make_window):
    return make_window(steps=9, batch=(2, 3), agents=3, seed=7)


def arguments(window, **changes):
    names = ("rewards", "values", "next_values", "discounts", "boundaries")
    return {name: window[name] for name in names} | changes


def of_team(window):
    return arguments(
        window, values=window["values"][..., 0], next_values=window["next_values"][..., 0]
    )


@pytest.mark.parametrize("lambda_", [0.0, 0.3, 0.95, 1.0])
def test_one_agent_gpae_is_gae(make_window, lambda_):
    window = make_window(steps=9, batch=(4,), agents=1, seed=3)
    per_agent = estimators.gpae(**arguments(window), traces=lambda_)
    team = estimators.gae(**of_team(window), lambda_=lambda_)
    np.testing.assert_allclose(per_agent[..., 0], team, **TIGHT)


def test_gpae_with_values_shared_by_the_team_is_gae_for_every_agent(window):
    shared = {
        name: np.repeat(window[name][..., :1], 3, axis=-1) for name in ("values", "next_values")
    }
    per_agent = estimators.gpae(**arguments(window, **shared), traces=0.95)
    team = estimators.gae(**of_team(window), lambda_=0.95)
    np.testing.assert_allclose(per_agent, np.repeat(team[..., None], 3, axis=-1), **TIGHT)


def test_lambda_one_telescopes_to_the_return_less_the_value(make_window):
    # Within one unbroken episode: sum_l gamma^l r_l + gamma^T EQ_T - EQ_0, from every start.
    window = make_window(steps=6, batch=(2,), agents=3, seed=1)
    final = window["next_values"][-1:]
    window["next_values"] = np.concatenate([window["values"][1:], final])
    window["discounts"] = np.full((6, 2), 0.9)
    window["boundaries"] = np.zeros((6, 2), bool)
    found = estimators.gpae(**arguments(window), traces=1.0)
    for start in range(6):
        powers = 0.9 ** np.arange(6 - start)
        returns = np.tensordot(powers, window["rewards"][start:], axes=1)[..., None]
        bootstrap = 0.9 ** (6 - start) * final[0]
        np.testing.assert_allclose(
            found[start], returns + bootstrap - window["values"][start], **TIGHT
        )


def test_lambda_zero_is_the_one_step_error(window):
    errors = (
        window["rewards"][..., None]
        + window["discounts"][..., None] * window["next_values"]
        - window["values"]
    )
    np.testing.assert_allclose(estimators.gpae(**arguments(window), traces=0.0), errors, **TIGHT)


def test_traces_of_identical_policies_give_the_on_policy_estimate(window):
    traces = estimators.double_truncated_traces(np.zeros((9, 2, 3, 3)), lambda_=0.95, eta=1.05)
    off_policy = estimators.gpae(**arguments(window), traces=traces)
    on_policy = estimators.gpae(**arguments(window), traces=0.95)
    np.testing.assert_allclose(off_policy, on_policy, **TIGHT)


def test_dae_without_credit_assignment_is_gae(window):
    team = of_team(window)
    found = estimators.dae(
        **team, expected_rewards=window["expected_rewards"], lambda_=0.95, beta=0.0
    )
    expected = estimators.gae(**team, lambda_=0.95)
    np.testing.assert_allclose(found, np.repeat(expected[..., None], 3, axis=-1), **TIGHT)


def test_dae_one_step_on_subtracts_the_expected_reward_at_once(window):
    # lambda = 0: A = delta - beta E[r].
    team = of_team(window)
    error = estimators.gae(**team, lambda_=0.0)[..., None]
    found = estimators.dae(
        **team, expected_rewards=window["expected_rewards"], lambda_=0.0, beta=0.6
    )
    np.testing.assert_allclose(found, error - 0.6 * window["expected_rewards"], **TIGHT)


def test_dae_with_the_same_trace_everywhere_is_dae_with_a_scalar(window):
    inputs = of_team(window) | {"expected_rewards": window["expected_rewards"]}
    scalar = estimators.dae(**inputs, lambda_=0.95, beta=0.6)
    constant = np.full(window["expected_rewards"].shape, 0.95)
    np.testing.assert_allclose(
        estimators.dae(**inputs, lambda_=constant, beta=0.6), scalar, **TIGHT
    )
    constant[0] = 100.0
    first_ignored = estimators.dae(**inputs, lambda_=constant, beta=0.6)
    np.testing.assert_allclose(first_ignored, scalar, **TIGHT)


def test_dae_without_credit_assignment_is_gpae_with_the_same_traces(window):
    traces = estimators.joint_truncated_traces(window["log_ratios"], 0.95)
    found = estimators.dae(
        **arguments(window),
        expected_rewards=window["expected_rewards"],
        lambda_=traces,
        beta=0.0,
    )
    np.testing.assert_allclose(found, estimators.gpae(**arguments(window), traces=traces), **TIGHT)


def test_coma_advantages_average_to_zero_under_the_policy():
    rng = np.random.default_rng(0)
    action_values = np.repeat(rng.normal(size=(1, 2, 5)), 5, axis=0)
    probabilities = np.repeat(rng.dirichlet(np.ones(5), size=(1, 2)), 5, axis=0)
    every_action = np.repeat(np.arange(5)[:, None], 2, axis=1)
    advantages = np.asarray(estimators.coma(action_values, probabilities, every_action))
    mean = (probabilities[0].T * advantages).sum(axis=0)
    np.testing.assert_allclose(mean, 0.0, atol=1e-14)


@pytest.fixture
def truncated_window(make_window):
    """Eight unbroken steps but for a truncation, with its bootstrap, at step 3."""
    window = make_window(steps=8, batch=(2,), agents=3, seed=11)
    window["discounts"] = np.full((8, 2), 0.9)
    window["boundaries"] = np.zeros((8, 2), bool)
    window["boundaries"][3] = True
    return window


def every_estimate(window):
    traces = estimators.joint_truncated_traces(window["log_ratios"], 0.95)
    expected_rewards = window["expected_rewards"]
    return {
        "gae": estimators.gae(**of_team(window), lambda_=0.95)[..., None],
        "gpae": estimators.gpae(**arguments(window), traces=traces),
        "dae": estimators.dae(
            **arguments(window), expected_rewards=expected_rewards, lambda_=0.95, beta=0.5
        ),
        "dae_with_traces": estimators.dae(
            **arguments(window), expected_rewards=expected_rewards, lambda_=traces, beta=0.5
        ),
    }


@pytest.mark.parametrize("garbage", [100.0, np.nan, np.inf])
def test_nothing_crosses_a_boundary(truncated_window, garbage):
    before = every_estimate(truncated_window)
    for name in ("rewards", "values", "next_values", "log_ratios", "expected_rewards"):
        truncated_window[name][4:] = garbage
    after = every_estimate(truncated_window)
    for name, estimate in before.items():
        np.testing.assert_array_equal(after[name][:4], estimate[:4], err_msg=name)
        assert not np.array_equal(after[name][4:], estimate[4:]), name


def test_a_truncated_step_bootstraps_from_its_successor(truncated_window):
    before = every_estimate(truncated_window)
    truncated_window["next_values"][3] += 1.0
    after = every_estimate(truncated_window)
    for name, estimate in before.items():
        np.testing.assert_allclose(after[name][3] - estimate[3], 0.9, **TIGHT, err_msg=name)
        assert np.all(after[name][:3] > estimate[:3]), name


def test_a_terminated_step_has_no_successor(truncated_window):
    truncated_window["discounts"][3] = 0.0
    before = every_estimate(truncated_window)
    truncated_window["next_values"][3] += 1.0
    after = every_estimate(truncated_window)
    for name, estimate in before.items():
        np.testing.assert_array_equal(after[name], estimate, err_msg=name)


def test_advantages_of_a_step_stay_at_its_place():
    # Equal sizes on purpose: no check of shapes can see these axes swapped.
    t, b, n = np.meshgrid(np.arange(3.0), np.arange(3.0), np.arange(3.0), indexing="ij")
    tags = 100 * t + 10 * b + n
    team = np.zeros((3, 3))
    found = estimators.gpae(
        rewards=team,
        values=-tags,
        next_values=np.zeros_like(tags),
        discounts=team + 0.9,
        boundaries=team > 0,
        traces=0.0,
    )
    np.testing.assert_array_equal(found, tags)


@pytest.mark.parametrize(
    ("name", "reach"),
    [
        ("rewards", "every agent, up to the step"),
        ("discounts", "every agent, up to the step"),
        ("values", "the agent, up to the step"),
        ("next_values", "the agent, up to the step"),
        ("bootstrap_weights", "the agent, up to the step"),
        ("traces", "the agent, before the step"),
    ],
)
def test_each_element_reaches_the_advantages_it_should_and_no_other(make_window, name, reach):
    window = make_window(steps=3, batch=(3,), agents=3, seed=5)
    inputs = arguments(
        window,
        discounts=np.full((3, 3), 0.9),
        boundaries=np.zeros((3, 3), bool),
        traces=np.exp(window["log_ratios"]),
        bootstrap_weights=window["bootstrap_weights"],
    )
    before = np.asarray(estimators.gpae(**inputs))
    for index in np.ndindex(*inputs[name].shape):
        changed = inputs[name].copy()
        changed[index] += 1.0
        after = np.asarray(estimators.gpae(**inputs | {name: changed}))
        step, element = index[0], index[1:]
        reached = np.zeros((3, 3, 3), bool)
        reached[(slice(step if "before" in reach else step + 1), *element)] = True
        np.testing.assert_array_equal(after != before, reached, err_msg=f"{name}{index}: {reach}")
