"""What GPAE and MAPPO make of the same evidence."""

import numpy as np
import pytest

from gpae.environments import DiscreteActions
from gpae.estimators import advantage_gap, gae, gpae
from gpae.methods import Dae, Gpae, Ippo, Mappo

LAMBDA = 0.8
OFF_POLICY = 0.5


def test_gpae_on_policy_is_equation_5(evidence):
    given = evidence()
    result = Gpae(lambda_=LAMBDA).estimate(given)
    expected = gpae(
        given.rewards,
        given.values,
        given.next_values,
        given.discounts,
        given.boundaries,
        LAMBDA,
    )
    np.testing.assert_allclose(result.advantages, expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        result.targets["critic"], given.values + expected, rtol=1e-5, atol=1e-6
    )
    np.testing.assert_array_equal(result.coefficients, 1.0)


@pytest.mark.parametrize("bootstrap", ["paper", "corrected"])
def test_gpae_off_policy_is_equation_7(evidence, step_by_step, bootstrap):
    given = evidence(spread=OFF_POLICY)
    method = Gpae(lambda_=LAMBDA, bootstrap=bootstrap)
    result = method.estimate(given)
    weights = np.ones(given.log_ratios.shape)
    if bootstrap == "corrected":
        weights = method.bootstrap_weights(given)
    expected = step_by_step(given, LAMBDA * result.coefficients, weights)
    np.testing.assert_allclose(result.advantages, expected, rtol=1e-4, atol=1e-5)


def test_gpae_targets_are_equation_11(evidence):
    given = evidence(spread=OFF_POLICY)
    result = Gpae().estimate(given)
    ratio = np.minimum(1.0, np.exp(np.asarray(given.log_ratios)))
    np.testing.assert_allclose(
        result.targets["critic"], given.values + ratio * result.advantages, rtol=1e-5, atol=1e-6
    )


def test_mappo_with_a_team_value_is_gae_for_every_agent(evidence):
    given = evidence(values=1)
    result = Mappo(lambda_=LAMBDA, agent_values=False).estimate(given)
    expected = gae(
        given.rewards,
        given.values[..., 0],
        given.next_values[..., 0],
        given.discounts,
        given.boundaries,
        LAMBDA,
    )
    for agent in range(3):
        np.testing.assert_allclose(result.advantages[..., agent], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        result.targets["critic"][..., 0], given.values[..., 0] + expected, rtol=1e-5, atol=1e-6
    )
    assert result.targets["critic"].shape == given.values.shape


def test_the_advantage_gap_is_zero_for_a_team_value_and_not_for_gpae(evidence):
    who = np.zeros((9, 4), np.int32)
    team = Mappo(agent_values=False).estimate(evidence(values=1)).advantages
    credit = Gpae().estimate(evidence()).advantages
    np.testing.assert_array_equal(advantage_gap(team, who), 0.0)
    assert np.abs(advantage_gap(credit, who)).mean() > 0.1


def test_mappo_with_agent_values_is_gae_for_each_agents_own_value(evidence):
    given = evidence()
    result = Mappo(lambda_=LAMBDA, agent_values=True).estimate(given)
    for agent in range(3):
        expected = gae(
            given.rewards,
            given.values[..., agent],
            given.next_values[..., agent],
            given.discounts,
            given.boundaries,
            LAMBDA,
        )
        np.testing.assert_allclose(result.advantages[..., agent], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        result.targets["critic"], given.values + result.advantages, rtol=1e-5, atol=1e-6
    )


@pytest.mark.parametrize("agent_values", [False, True])
@pytest.mark.parametrize("traces", ["joint", "individual"])
def test_mappo_targets_weight_by_the_joint_ratio(evidence, step_by_step, agent_values, traces):
    given = evidence(values=3 if agent_values else 1, spread=OFF_POLICY)
    method = Mappo(lambda_=LAMBDA, agent_values=agent_values, trace_scheme=traces)
    result = method.estimate(given)
    advantages = step_by_step(given, LAMBDA * result.coefficients, np.ones(given.log_ratios.shape))
    np.testing.assert_allclose(result.advantages, advantages, rtol=1e-4, atol=1e-5)
    joint = np.exp(np.asarray(given.log_ratios).sum(-1, keepdims=True))
    pooled = advantages if agent_values else advantages.mean(-1, keepdims=True)
    expected = given.values + np.minimum(1.0, joint) * pooled
    np.testing.assert_allclose(result.targets["critic"], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", [Mappo, Ippo, Dae])
def test_values_without_actions_have_no_bootstrap_to_correct(method):
    with pytest.raises(TypeError, match="bootstrap"):
        method(bootstrap="corrected")


def test_how_many_values_each_critic_has():
    actions = DiscreteActions(3)
    assert Gpae().critic(actions).values_per_state(5) == 5
    assert Gpae().critic(actions).others_actions
    assert Gpae(own_slot="zeros").critic(actions).own_slot == "zeros"
    assert Mappo(agent_values=False).critic(actions).values_per_state(5) == 1
    assert Mappo(agent_values=True).critic(actions).values_per_state(5) == 5
    assert not Mappo().critic(actions).others_actions
