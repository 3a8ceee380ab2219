"""Multi-step estimators against the paper's sums, written out term by term in float64 NumPy.

The references hold no recursion: each advantage is a sum over later TD errors, each weighted by an
explicit product of discounts and traces.
"""

import itertools

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpae import estimators

TIGHT = {"rtol": 1e-12, "atol": 1e-12}
RANDOM = settings(max_examples=25, deadline=None, derandomize=True)

shapes = {
    "steps": st.sampled_from([1, 2, 6]),
    "batch": st.sampled_from([(), (2,), (2, 3)]),
    "agents": st.sampled_from([1, 3]),
    "seed": st.integers(0, 2**32 - 1),
}
unit = st.floats(0.0, 1.0)


def weighted_sums(terms, factors, boundaries):
    """``sum_{l >= t} terms[l] * prod_{t <= k < l} factors[k]``, within the episode of step t."""
    result = np.zeros(terms.shape)
    steps = terms.shape[0]
    for column in itertools.product(*map(range, terms.shape[1:])):
        for t in range(steps):
            for later in range(t, steps):
                between = [(k, *column) for k in range(t, later)]
                if not any(boundaries[index] for index in between):
                    weight = np.prod([factors[index] for index in between])
                    result[(t, *column)] += weight * terms[(later, *column)]
    return result


def spread(team, like):
    return np.broadcast_to(team[..., None], like.shape)


def expected_gpae(window, traces, weights):
    discounts = spread(window["discounts"], window["values"])
    errors = (
        spread(window["rewards"], window["values"])
        + discounts * weights * window["next_values"]
        - window["values"]
    )
    following = np.concatenate([traces[1:], np.full_like(traces[:1], np.nan)])
    return weighted_sums(
        errors, discounts * following, spread(window["boundaries"], window["values"])
    )


def arguments(window):
    names = ("rewards", "values", "next_values", "discounts", "boundaries")
    return {name: window[name] for name in names}


@RANDOM
@given(**shapes, lambda_=unit)
def test_gae_is_the_sum_of_discounted_errors(make_window, steps, batch, agents, seed, lambda_):
    window = make_window(steps, batch, agents, seed)
    window["values"], window["next_values"] = (
        window["values"][..., 0],
        window["next_values"][..., 0],
    )
    errors = window["rewards"] + window["discounts"] * window["next_values"] - window["values"]
    expected = weighted_sums(errors, window["discounts"] * lambda_, window["boundaries"])
    with jax.enable_x64(True):
        found = jax.jit(estimators.gae)(**arguments(window), lambda_=lambda_)
    np.testing.assert_allclose(found, expected, **TIGHT)


@RANDOM
@given(**shapes, lambda_=unit, eta=st.floats(0.1, 3.0), weighted=st.booleans())
def test_gpae_is_the_sum_of_traced_errors(
    make_window, steps, batch, agents, seed, lambda_, eta, weighted
):
    window = make_window(steps, batch, agents, seed)
    ratios = np.exp(window["log_ratios"])
    others = np.stack(
        [np.prod(np.delete(ratios, agent, axis=-1), axis=-1) for agent in range(agents)], axis=-1
    )
    traces = lambda_ * np.minimum(1.0, ratios * np.minimum(eta, others))
    weights = window["bootstrap_weights"] if weighted else np.ones_like(traces)
    with jax.enable_x64(True):
        found = jax.jit(estimators.gpae)(
            **arguments(window),
            traces=jax.jit(estimators.double_truncated_traces)(window["log_ratios"], lambda_, eta),
            bootstrap_weights=window["bootstrap_weights"] if weighted else None,
        )
    np.testing.assert_allclose(found, expected_gpae(window, traces, weights), **TIGHT)


@RANDOM
@given(**shapes, lambda_=unit)
def test_gpae_takes_a_scalar_trace_and_a_reward_for_each_agent(
    make_window, steps, batch, agents, seed, lambda_
):
    window = make_window(steps, batch, agents, seed)
    individual = window["expected_rewards"]
    ones = np.ones_like(individual)
    shifted = {**window, "rewards": np.zeros(individual.shape[:-1])}
    shifted["values"] = window["values"] - individual
    expected = expected_gpae(shifted, lambda_ * ones, ones)
    with jax.enable_x64(True):
        found = jax.jit(estimators.gpae)(
            **arguments(window) | {"rewards": individual}, traces=lambda_
        )
    np.testing.assert_allclose(found, expected, **TIGHT)


@RANDOM
@given(**shapes, lambda_=unit, beta=unit, team_values=st.booleans(), off_policy=st.booleans())
def test_dae_is_equation_3(
    make_window, steps, batch, agents, seed, lambda_, beta, team_values, off_policy
):
    window = make_window(steps, batch, agents, seed)
    if team_values:
        window["values"] = window["values"][..., 0]
        window["next_values"] = window["next_values"][..., 0]
    individual = window["expected_rewards"]
    per_agent = (lambda x: spread(x, individual)) if team_values else (lambda x: x)
    discounts, boundaries = (spread(window[n], individual) for n in ("discounts", "boundaries"))
    errors = (
        spread(window["rewards"], individual)
        + discounts * per_agent(window["next_values"])
        - per_agent(window["values"])
    )
    ratios = np.minimum(1.0, np.exp(window["log_ratios"])) if off_policy else 1.0
    traces = lambda_ * ratios * np.ones_like(individual)
    decays = discounts * np.concatenate([traces[1:], np.full_like(traces[:1], np.nan)])
    # Eq. 3 gives the expected reward l steps on the weight (gamma lambda)^l beta^(l + 1).
    expected = weighted_sums(errors, decays, boundaries) - beta * weighted_sums(
        individual, decays * beta, boundaries
    )
    with jax.enable_x64(True):
        found = jax.jit(estimators.dae)(
            **arguments(window),
            expected_rewards=individual,
            lambda_=traces if off_policy else lambda_,
            beta=beta,
        )
    np.testing.assert_allclose(found, expected, **TIGHT)


@RANDOM
@given(batch=shapes["batch"], agents=shapes["agents"], seed=shapes["seed"])
def test_coma_subtracts_the_counterfactual_baseline(batch, agents, seed):
    rng = np.random.default_rng(seed)
    action_values = rng.normal(size=(*batch, agents, 4))
    probabilities = rng.dirichlet(np.ones(4), size=(*batch, agents))
    actions = rng.integers(4, size=(*batch, agents))
    expected = np.zeros((*batch, agents))
    for index in np.ndindex(*expected.shape):
        expected[index] = action_values[(*index, actions[index])]
        for action in range(4):
            counterfactual = probabilities[(*index, action)] * action_values[(*index, action)]
            expected[index] -= counterfactual
    with jax.enable_x64(True):
        found = jax.jit(estimators.coma)(action_values, probabilities, actions)
    np.testing.assert_allclose(found, expected, **TIGHT)


@pytest.mark.usefixtures("float64")
def test_gae_by_hand():
    # Step 1 is truncated: bootstrapped with 4, but step 2's advantage stays out. Step 3 terminates.
    # delta = 1 + .5*2 - 1 = 1;  0 + .5*4 - 3 = -1;  2 + .5*1 - 0 = 2.5;  -1 + 0 - 1 = -2
    # A_3 = -2;  A_2 = 2.5 + .5*.8*(-2) = 1.7;  A_1 = -1;  A_0 = 1 + .5*.8*(-1) = .6
    found = estimators.gae(
        rewards=[1.0, 0.0, 2.0, -1.0],
        values=[1.0, 3.0, 0.0, 1.0],
        next_values=[2.0, 4.0, 1.0, 7.0],
        discounts=[0.5, 0.5, 0.5, 0.0],
        boundaries=[False, True, False, True],
        lambda_=0.8,
    )
    np.testing.assert_allclose(found, [0.6, -1.0, 1.7, -2.0], rtol=1e-15)


@pytest.mark.usefixtures("float64")
def test_gpae_by_hand():
    # delta^1 = 1 + .5*2 - 0 = 2;  3 + .5*2 - 1 = 3;  1 + .5*2 - 4 = -2
    # delta^2 = 1 + .5*4 - 1 = 2;  3 + .5*0 - 2 = 1;  1 + .5*6 - 0 = 4
    # A^1_1 = 3 + .5*1*(-2) = 2;    A^1_0 = 2 + .5*.25*2 = 2.25
    # A^2_1 = 1 + .5*.5*4 = 2;      A^2_0 = 2 + .5*.75*2 = 2.75
    found = estimators.gpae(
        rewards=[1.0, 3.0, 1.0],
        values=[[0.0, 1.0], [1.0, 2.0], [4.0, 0.0]],
        next_values=[[2.0, 4.0], [2.0, 0.0], [2.0, 6.0]],
        discounts=[0.5, 0.5, 0.5],
        boundaries=[False, False, False],
        traces=[[9.0, 9.0], [0.25, 0.75], [1.0, 0.5]],
    )
    np.testing.assert_allclose(found, [[2.25, 2.75], [2.0, 2.0], [-2.0, 4.0]], rtol=1e-15)


@pytest.mark.usefixtures("float64")
def test_bootstrap_weights_by_hand():
    # delta^1 = 1 + .5*3*2 - 0 = 4;  delta^2 = 1 + .5*.5*4 - 1 = 1
    found = estimators.gpae(
        rewards=[1.0],
        values=[[0.0, 1.0]],
        next_values=[[2.0, 4.0]],
        discounts=[0.5],
        boundaries=[False],
        traces=1.0,
        bootstrap_weights=[[3.0, 0.5]],
    )
    np.testing.assert_allclose(found, [[4.0, 1.0]], rtol=1e-15)


@pytest.mark.usefixtures("float64")
def test_dae_by_hand():
    # delta = 1 + .5*2 - 0 = 2;  2 + 0 - 1 = 1;  GAE = 2 + .5*.5*1 = 2.25;  1
    # B^1 = .5*1 + .5*.5*.5*B^1_1, B^1_1 = .5*2 = 1:  .625;  1
    # B^2 = .5*4 + .125*0 = 2;  0
    found = estimators.dae(
        rewards=[1.0, 2.0],
        expected_rewards=[[1.0, 4.0], [2.0, 0.0]],
        values=[0.0, 1.0],
        next_values=[2.0, 0.0],
        discounts=[0.5, 0.0],
        boundaries=[False, True],
        lambda_=0.5,
        beta=0.5,
    )
    np.testing.assert_allclose(found, [[1.625, 0.25], [0.0, 1.0]], rtol=1e-15)


@pytest.mark.usefixtures("float64")
def test_dae_with_rewards_of_each_agent_by_hand():
    # delta^1 = 1 + .5*2 - 0 = 2;  2 + 0 - 1 = 1;  GAE^1 = 2 + .5*.5*1 = 2.25;  1
    # delta^2 = 3 + .5*2 - 0 = 4;  1 + 0 - 1 = 0;  GAE^2 = 4;  0
    # B^1 = .5*1 + .5*.5*.5*1 = .625;  1;  B^2 = .5*4 = 2;  0
    found = estimators.dae(
        rewards=[[1.0, 3.0], [2.0, 1.0]],
        expected_rewards=[[1.0, 4.0], [2.0, 0.0]],
        values=[0.0, 1.0],
        next_values=[2.0, 0.0],
        discounts=[0.5, 0.0],
        boundaries=[False, True],
        lambda_=0.5,
        beta=0.5,
    )
    np.testing.assert_allclose(found, [[1.625, 2.0], [0.0, 0.0]], rtol=1e-15)


def test_dae_of_an_agent_depends_on_no_other_agents_reward(make_window):
    window = make_window(7, (2,), 3, 0)
    names = ("expected_rewards", "values", "next_values", "discounts", "boundaries")
    inputs = {name: window[name] for name in names} | {"lambda_": 0.9, "beta": 0.6}
    rewards = window["bootstrap_weights"]
    found = estimators.dae(rewards, **inputs)
    for agent in range(3):
        alone = estimators.dae(rewards[..., agent], **inputs)[..., agent]
        np.testing.assert_allclose(found[..., agent], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.usefixtures("float64")
def test_dae_with_traces_by_hand():
    # delta = 1 + .5*2 - 0 = 2;  2 + 0 - 1 = 1
    # GAE^1 = 2 + .5*.25*1 = 2.125;  GAE^2 = 2 + .5*1*1 = 2.5;  1 at the second step
    # B^1 = .5*1 + .5*.25*.5*1 = .5625;  B^2 = .5*4 + .5*1*.5*.5 = 2.125;  .5*2 = 1 and .5*1 = .5
    found = estimators.dae(
        rewards=[1.0, 2.0],
        expected_rewards=[[1.0, 4.0], [2.0, 1.0]],
        values=[0.0, 1.0],
        next_values=[2.0, 0.0],
        discounts=[0.5, 0.0],
        boundaries=[False, True],
        lambda_=[[9.0, 9.0], [0.25, 1.0]],
        beta=0.5,
    )
    np.testing.assert_allclose(found, [[1.5625, 0.375], [0.0, 0.5]], rtol=1e-15)


@pytest.mark.usefixtures("float64")
def test_coma_by_hand():
    # baselines: .25*1 + .75*5 = 4;  .5*2 + .5*(-2) = 0
    found = estimators.coma(
        action_values=[[1.0, 5.0], [2.0, -2.0]],
        probabilities=[[0.25, 0.75], [0.5, 0.5]],
        actions=[1, 0],
    )
    np.testing.assert_allclose(found, [1.0, 2.0], rtol=1e-15)


@pytest.mark.parametrize("action", [-1, 2])
def test_coma_is_nan_for_an_action_that_does_not_exist(action):
    found = estimators.coma([[1.0, 5.0], [2.0, -2.0]], [[0.5, 0.5], [0.5, 0.5]], [action, 1])
    assert np.isnan(found[0])
    assert found[1] == -2.0
