"""DAE and IPPO on the evidence that GPAE and MAPPO get."""

import dataclasses

import numpy as np
import pytest

from gpae.estimators import dae
from gpae.methods import Dae, Ippo, Mappo

LAMBDA, BETA = 0.8, 0.6
OFF_POLICY = 0.5


def expected_rewards(evidence):
    return evidence.networks["reward_model"].own_actions(1).expectation()


def arrays(estimate):
    """Everything that is estimated, by name."""
    return {
        "advantages": estimate.advantages,
        "targets": estimate.targets["critic"],
        "coefficients": estimate.coefficients,
    }


def expected_sums(evidence, coefficients, beta):
    """B of Eq. 3 in plain loops, ``coefficients`` with lambda in them."""
    rewards = np.asarray(expected_rewards(evidence), np.float64)
    sums = np.zeros(rewards.shape)
    steps = len(rewards)
    for t, e, i in np.ndindex(rewards.shape):
        t = steps - 1 - t
        sums[t, e, i] = beta * rewards[t, e, i]
        if t < steps - 1 and not evidence.boundaries[t, e]:
            decay = evidence.discounts[t, e] * coefficients[t + 1, e, i] * beta
            sums[t, e, i] += decay * sums[t + 1, e, i]
    return sums


def test_dae_on_policy_is_equation_3(evidence):
    given = evidence()
    result = Dae(lambda_=LAMBDA, beta=BETA).estimate(given)
    expected = dae(
        given.rewards,
        expected_rewards(given),
        given.values,
        given.next_values,
        given.discounts,
        given.boundaries,
        LAMBDA,
        BETA,
    )
    np.testing.assert_allclose(result.advantages, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        result.targets["critic"], given.values + expected, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(result.coefficients, 1.0)


@pytest.mark.parametrize("traces", ["joint", "individual"])
def test_dae_with_reuse_carries_both_sums_with_the_same_traces(evidence, step_by_step, traces):
    given = evidence(spread=OFF_POLICY)
    result = Dae(lambda_=LAMBDA, beta=BETA, trace_scheme=traces).estimate(given)
    decays = LAMBDA * np.asarray(result.coefficients, np.float64)
    advantages = step_by_step(given, decays, np.ones(decays.shape))
    advantages = advantages - expected_sums(given, decays, BETA)
    np.testing.assert_allclose(result.advantages, advantages, rtol=1e-4, atol=1e-5)
    joint = np.exp(np.asarray(given.log_ratios, np.float64)).prod(-1, keepdims=True)
    targets = given.values + np.minimum(1.0, joint) * advantages
    np.testing.assert_allclose(result.targets["critic"], targets, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("spread", [0.0, OFF_POLICY])
def test_dae_without_credit_is_mappo(evidence, spread):
    given = evidence(spread=spread)
    without = Dae(lambda_=LAMBDA, beta=0.0).estimate(given)
    mappo = Mappo(lambda_=LAMBDA, agent_values=True).estimate(given)
    for name, expected in arrays(mappo).items():
        np.testing.assert_allclose(arrays(without)[name], expected, rtol=1e-5, atol=1e-6)
    with_credit = Dae(lambda_=LAMBDA, beta=BETA).estimate(given)
    assert np.abs(with_credit.advantages - mappo.advantages).mean() > 0.1


def test_ippo_is_gae_on_each_agents_own_value_with_its_own_ratio(evidence, step_by_step):
    given = evidence(spread=OFF_POLICY)
    result = Ippo(lambda_=LAMBDA).estimate(given)
    own = np.minimum(1.0, np.exp(np.asarray(given.log_ratios, np.float64)))
    np.testing.assert_allclose(result.coefficients, own, rtol=1e-5)
    advantages = step_by_step(given, LAMBDA * own, np.ones(own.shape))
    np.testing.assert_allclose(result.advantages, advantages, rtol=1e-4, atol=1e-5)
    targets = given.values + own * advantages
    np.testing.assert_allclose(result.targets["critic"], targets, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("agent", [0, 2])
def test_what_others_do_differently_changes_nothing_for_ippo_and_something_for_mappo(
    evidence, agent
):
    given = evidence(spread=OFF_POLICY)
    others = np.arange(3) != agent
    changed = dataclasses.replace(given, log_ratios=given.log_ratios - 0.5 * others)
    for name in ("advantages", "targets"):
        ippo, after = (arrays(Ippo().estimate(of))[name] for of in (given, changed))
        np.testing.assert_array_equal(after[..., agent], ippo[..., agent])
        mappo, after = (arrays(Mappo().estimate(of))[name] for of in (given, changed))
        assert np.abs(after[..., agent] - mappo[..., agent]).mean() > 0.01


def test_on_policy_ippo_and_mappo_differ_by_their_critics_alone(evidence):
    given = evidence()
    ippo, mappo = (method(lambda_=LAMBDA).estimate(given) for method in (Ippo, Mappo))
    for name in ("advantages", "targets"):
        np.testing.assert_array_equal(arrays(ippo)[name], arrays(mappo)[name])
