"""COMA: one-step counterfactual advantages, and TD(lambda) targets of the joint action's value."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions
from gpae.estimators import coma
from gpae.methods import Coma

LAMBDA = 0.8
OFF_POLICY = 0.5


def joint_ratio(evidence):
    """rho from its definition as a product, for every agent the same."""
    ratios = np.exp(np.asarray(evidence.log_ratios, np.float64)).prod(-1, keepdims=True)
    return np.broadcast_to(ratios, evidence.log_ratios.shape)


@pytest.mark.parametrize("spread", [0.0, OFF_POLICY])
def test_advantages_are_equation_2_whatever_the_ratios(evidence, spread):
    given = evidence(spread=spread)
    own = given.networks["critic"].own_actions(1)
    result = Coma(lambda_=LAMBDA).estimate(given)
    for index in np.ndindex(given.log_ratios.shape):
        values, probabilities = (np.asarray(a)[index] for a in (own.values, own.probabilities))
        expected = values[own.taken[index]] - values @ probabilities
        np.testing.assert_allclose(result.advantages[index], expected, rtol=1e-4, atol=1e-5)
    estimator = coma(own.values, own.probabilities, own.taken)
    np.testing.assert_array_equal(result.advantages, estimator)


def test_advantages_know_neither_rewards_nor_lambda(evidence):
    given = evidence()
    richer = dataclasses.replace(given, rewards=given.rewards + 5.0)
    before = Coma(lambda_=LAMBDA).estimate(given)
    for after in (Coma(lambda_=LAMBDA).estimate(richer), Coma(lambda_=0.1).estimate(given)):
        np.testing.assert_array_equal(after.advantages, before.advantages)
        assert (after.targets["critic"] != before.targets["critic"]).mean() > 0.5


def forward_view(evidence, lambda_):
    """TD(lambda)'s target as the weighted mean of the n-step returns of one episode."""
    rewards, discounts, next_values, ends = (
        np.asarray(getattr(evidence, name), np.float64)
        for name in ("rewards", "discounts", "next_values", "boundaries")
    )
    steps = len(rewards)
    targets = np.zeros(next_values.shape)
    for t, e, i in np.ndindex(targets.shape):
        last = next((k for k in range(t, steps) if ends[k, e]), steps - 1)
        collected, weight, reached = 0.0, 1.0, 1.0
        for k in range(t, last + 1):
            collected += weight * rewards[k, e]
            weight *= discounts[k, e]
            n_step = collected + weight * next_values[k, e, i]
            share = 1.0 if k == last else 1.0 - lambda_
            targets[t, e, i] += reached * share * n_step
            reached *= lambda_
    return targets


@pytest.fixture
def contiguous(evidence, with_critic):
    """On-policy evidence in which a successor's value is the next step's inside an episode."""
    given = evidence()
    inside = ~given.boundaries[:-1, :, None]
    following = jnp.where(inside, given.values[1:], given.next_values[:-1])
    return with_critic(given, next_values=jnp.concatenate([following, given.next_values[-1:]]))


@pytest.mark.parametrize("lambda_", [0.0, LAMBDA, 1.0])
def test_targets_on_policy_are_td_lambda_in_its_forward_view(contiguous, lambda_):
    result = Coma(lambda_=lambda_).estimate(contiguous)
    expected = forward_view(contiguous, lambda_)
    np.testing.assert_allclose(result.targets["critic"], expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(result.coefficients, 1.0)


@pytest.mark.parametrize("traces", ["joint", "double", "individual", "none"])
@pytest.mark.parametrize("bootstrap", ["paper", "corrected"])
def test_targets_with_reuse(evidence, step_by_step, traces, bootstrap):
    given = evidence(spread=OFF_POLICY)
    method = Coma(lambda_=LAMBDA, trace_scheme=traces, bootstrap=bootstrap)
    result = method.estimate(given)
    weights = np.ones(given.log_ratios.shape)
    if bootstrap == "corrected":
        follows = ~np.asarray(given.boundaries)[:-1, :, None]
        weights[:-1] = np.where(follows, joint_ratio(given)[1:], 1.0)
    errors = step_by_step(given, LAMBDA * result.coefficients, weights)
    np.testing.assert_allclose(
        result.targets["critic"], given.values + errors, rtol=1e-3, atol=1e-4
    )
    if traces == "joint":
        expected = np.minimum(1.0, joint_ratio(given))
        np.testing.assert_allclose(result.coefficients, expected, rtol=1e-5)


def test_the_corrected_weight_is_the_next_steps_joint_ratio_up_to_its_limit(evidence, with_critic):
    given = evidence(spread=OFF_POLICY)
    weights = {}
    for limit in (float("inf"), 1.2):
        method = Coma(lambda_=0.0, bootstrap="corrected", bootstrap_limit=limit)
        # With lambda = 0 and values of 0 a target is r + gamma w Q'.
        unpaid = dataclasses.replace(given, rewards=0 * given.rewards)
        bare = with_critic(unpaid, values=0 * given.values)
        goes_on = np.asarray(given.discounts)[..., None] > 0
        scale = np.where(goes_on, given.discounts[..., None] * given.next_values, 1.0)
        weights[limit] = (np.asarray(method.estimate(bare).targets["critic"]) / scale)[:-1]
    inside = ~np.asarray(given.boundaries)[:-1]
    expected = joint_ratio(given)[1:][inside]
    np.testing.assert_allclose(weights[float("inf")][inside], expected, rtol=1e-4)
    np.testing.assert_allclose(weights[1.2][inside], np.minimum(1.2, expected), rtol=1e-4)
    assert (expected > 1.2).any()
    cut = np.asarray(given.resampled)[:-1]
    np.testing.assert_allclose(weights[1.2][cut], 1.0, rtol=1e-5)


def test_the_critic_has_a_value_for_each_own_action_where_they_are_discrete():
    discrete = Coma().critic(DiscreteActions(4))
    continuous = Coma().critic(ContinuousActions(4))
    assert discrete.action_values
    assert discrete.own_slot == "zeros"
    assert not continuous.action_values
    assert continuous.own_slot == "action"
    for spec in (discrete, continuous):
        assert spec.state
        assert spec.own_observation
        assert spec.others_actions
        assert spec.agent_id
