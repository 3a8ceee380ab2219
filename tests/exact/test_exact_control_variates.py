"""V-bootstrapped and Q-corrected in the lab: expectations, fixed points and contraction."""

import dataclasses

import numpy as np
import pytest

from gpae import estimators, exact
from gpae.exact.policies import joint_factor, own_factor

EXACT = {"rtol": 0, "atol": 1e-10}
LAMBDAS = (0.0, 0.3, 0.95, 1.0)
BELOW_RHO = ("joint", "double", "inner", "untruncated")
"""Schemes with c at most rho, with which Q's operator contracts by gamma."""


def true_critics(case):
    return exact.Critics.of(case.action_values, case.target, case.agent)


def random_table(case, seed=0):
    return np.random.default_rng(seed).normal(size=case.game.rewards.shape)


def own_means_of_anything(case):
    """A wrong Q, whose V and EQ^i are its own means."""
    return exact.Critics.of(random_table(case), case.target, case.agent)


def constant(case, lambda_):
    return np.full(case.game.rewards.shape, lambda_)


def schemed(case, scheme, lambda_=0.95):
    return exact.traces(scheme, case.target, case.behaviour, case.agent, lambda_=lambda_)


@pytest.mark.parametrize("lambda_", LAMBDAS)
@pytest.mark.parametrize("form", exact.FORMS)
def test_on_policy_the_expected_advantage_at_true_values_is_q_minus_eq(case, form, lambda_):
    found = exact.expected_advantages(
        case.game, case.target, form, true_critics(case), constant(case, lambda_)
    )
    np.testing.assert_allclose(found, case.advantages, **EXACT)


def test_at_lambda_one_v_bootstrapped_is_unbiased_for_any_v(case):
    """E[A] = Q^pi - EQ^i whatever V and EQ^i are: EQ^i is a baseline, V a control variate."""
    wrong = own_means_of_anything(case)
    wrong = dataclasses.replace(wrong, state=np.random.default_rng(1).normal(size=4))
    found = exact.expected_advantages(
        case.game, case.target, "v_bootstrapped", wrong, constant(case, 1.0)
    )
    np.testing.assert_allclose(found, case.action_values - wrong.agent, **EXACT)


def test_at_lambda_one_q_corrected_is_unbiased_for_any_q_whose_v_is_its_own_mean(case):
    wrong = own_means_of_anything(case)
    found = exact.expected_advantages(
        case.game, case.target, "q_corrected", wrong, constant(case, 1.0)
    )
    np.testing.assert_allclose(found, case.action_values - wrong.agent, **EXACT)


def test_at_lambda_one_q_corrected_is_biased_if_v_is_another_mean(case):
    wrong = own_means_of_anything(case)
    wrong = dataclasses.replace(wrong, state=np.random.default_rng(1).normal(size=4))
    found = exact.expected_advantages(
        case.game, case.target, "q_corrected", wrong, constant(case, 1.0)
    )
    credit = found - exact.expected_values(found, case.target, case.agent)
    assert np.abs(credit - case.advantages).max() > 0.01


@pytest.mark.parametrize("form", exact.FORMS)
def test_off_policy_full_ratios_are_unbiased_at_lambda_one_for_wrong_critics(case, form):
    wrong = own_means_of_anything(case)
    found = exact.expected_advantages(
        case.game, case.behaviour, form, wrong, schemed(case, "untruncated", 1.0)
    )
    np.testing.assert_allclose(found, case.action_values - wrong.agent, **EXACT)


@pytest.mark.parametrize("lambda_", LAMBDAS)
@pytest.mark.parametrize("form", exact.FORMS)
def test_full_ratios_give_old_data_the_expectation_of_new_data(case, form, lambda_):
    wrong = own_means_of_anything(case)
    old = schemed(case, "untruncated", lambda_)
    found = exact.expected_advantages(case.game, case.behaviour, form, wrong, old)
    expected = exact.expected_advantages(
        case.game, case.target, form, wrong, constant(case, lambda_)
    )
    np.testing.assert_allclose(found, expected, **EXACT)


@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_off_policy_q_corrected_at_the_true_q_is_exact_with_every_scheme(case, scheme):
    """E[dQ | s, a] is zero at the true Q, whatever the traces and whoever acted."""
    found = exact.expected_advantages(
        case.game, case.behaviour, "q_corrected", true_critics(case), schemed(case, scheme)
    )
    np.testing.assert_allclose(found, case.advantages, **EXACT)


@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_off_policy_v_bootstrapped_is_exact_with_full_ratios_alone(case, scheme):
    found = exact.expected_advantages(
        case.game, case.behaviour, "v_bootstrapped", true_critics(case), schemed(case, scheme)
    )
    error = np.abs(found - case.advantages).max()
    assert (error < 1e-10) == (scheme == "untruncated")
    assert scheme == "untruncated" or error > 1e-3


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_on_policy_the_targets_of_v_bootstrapped_lead_to_v_and_eq(case, lambda_):
    parts = case.game, case.target, case.target
    operator = exact.state_value_operator(*parts, constant(case, lambda_))
    values = exact.fixed_point(operator)
    np.testing.assert_allclose(values, exact.state_values(case.game, case.target), **EXACT)
    agents = exact.agent_values_of(*parts, case.agent, values, constant(case, lambda_))
    np.testing.assert_allclose(agents, case.true_values, **EXACT)
    expected = 0.9 * (1 - lambda_) / (1 - 0.9 * lambda_)
    assert exact.contraction_modulus(operator) == pytest.approx(expected, abs=1e-10)


def test_off_policy_the_targets_of_v_bootstrapped_are_exact_with_full_ratios(case):
    parts = case.game, case.target, case.behaviour
    full = schemed(case, "untruncated")
    values = exact.fixed_point(exact.state_value_operator(*parts, full))
    np.testing.assert_allclose(values, exact.state_values(case.game, case.target), **EXACT)
    agents = exact.agent_values_of(*parts, case.agent, values, full)
    np.testing.assert_allclose(agents, case.true_values, **EXACT)


def test_eq_of_v_bootstrapped_is_a_fixed_point_of_its_targets(case):
    """EQ^i + E_mu^i[min(1, rho^i) A^i] = EQ^i, as the method learns it."""
    values, table = np.random.default_rng(2).normal(size=4), schemed(case, "double")
    parts = case.game, case.target, case.behaviour
    agents = exact.agent_values_of(*parts, case.agent, values, table, target_limit=1.0)
    critics = exact.Critics(values, random_table(case), agents)
    advantages = exact.expected_advantages(
        case.game, case.behaviour, "v_bootstrapped", critics, table
    )
    weights = own_factor(np.minimum(case.target, case.behaviour), case.agent)
    change = (weights * advantages).sum(axis=1 + case.agent)
    np.testing.assert_allclose(change, 0.0, **EXACT)


@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
@pytest.mark.parametrize("limit", [1.0, np.inf])
def test_v_operator_contracts_with_every_scheme(case, scheme, limit):
    """By gamma without a limit, as E_mu[c] is at most one; by less where the weights are cut."""
    parts = case.game, case.target, case.behaviour
    for lambda_ in LAMBDAS:
        table = schemed(case, scheme, lambda_)
        operator = exact.state_value_operator(*parts, table, target_limit=limit)
        modulus = exact.contraction_modulus(operator)
        assert modulus < 1
        assert limit == 1.0 or modulus <= 0.9 + 1e-10


@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
@pytest.mark.parametrize("limit", [None, 1.0, np.inf])
def test_the_targets_of_q_corrected_lead_to_q_with_every_scheme_and_weight(case, scheme, limit):
    operator = exact.action_value_operator(
        case.game, case.target, case.behaviour, schemed(case, scheme), target_limit=limit
    )
    np.testing.assert_allclose(operator(case.action_values), case.action_values, **EXACT)
    np.testing.assert_allclose(exact.fixed_point(operator), case.action_values, **EXACT)


@pytest.mark.parametrize("scheme", BELOW_RHO)
def test_q_operator_contracts_by_gamma_where_traces_are_at_most_rho(case, scheme):
    for lambda_ in LAMBDAS:
        operator = exact.action_value_operator(
            case.game, case.target, case.behaviour, schemed(case, scheme, lambda_)
        )
        assert exact.contraction_modulus(operator) <= 0.9 + 1e-10


@pytest.mark.parametrize("scheme", ["none", "individual"])
def test_q_operator_diverges_on_the_switching_game_where_they_are_not(scheme):
    """The eigenvalues of the chains are -.8 and .8: 1.6 gamma / (1 - .8 gamma) by hand."""
    policies = [np.array([[[0.5, 0.5]] * 2, [[stays, 1 - stays]] * 2]) for stays in (0.1, 0.9)]
    table = exact.traces(scheme, *policies, 0)
    operator = exact.action_value_operator(exact.switching_game(0.9), *policies, table)
    assert exact.spectral_radius(operator) == pytest.approx(1.44 / 0.28, rel=1e-10)


def main_effects(case):
    """E_pi[Q | s, a^j] - V for each agent, by its own action."""
    q, v = case.action_values, exact.state_values(case.game, case.target)
    effects = []
    for j in range(case.game.num_agents):
        others = tuple(1 + k for k in range(case.game.num_agents) if k != j)
        policy = np.where(np.arange(case.game.num_agents)[:, None, None] == j, 1.0, case.target)
        mean = (joint_factor(policy) * q).sum(axis=others, keepdims=True)
        effects.append(mean - v.reshape([-1] + [1] * case.game.num_agents))
    return v, effects


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_on_policy_a_decomposed_critic_learns_v_and_the_main_effects(case, lambda_):
    v, effects = main_effects(case)
    found = exact.decomposed_critic(case.game, case.target, case.target, constant(case, lambda_))
    expected = v.reshape([-1] + [1] * case.game.num_agents) + sum(effects)
    np.testing.assert_allclose(found, expected, **EXACT)


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_on_policy_a_decomposed_critic_leaves_the_policy_gradient_unbiased(case, lambda_):
    """E[A^i] is Q^pi less a function of (s, a^-i), though Q is no sum over agents."""
    table = constant(case, lambda_)
    q = exact.decomposed_critic(case.game, case.target, case.target, table)
    assert np.abs(q - case.action_values).max() > 0.1
    critics = exact.Critics.of(q, case.target, case.agent)
    found = exact.expected_advantages(case.game, case.target, "q_corrected", critics, table)
    np.testing.assert_allclose(found, case.action_values - critics.agent, **EXACT)


def test_off_policy_a_decomposed_critic_is_exact_with_full_ratios_as_traces_and_weights(case):
    v, effects = main_effects(case)
    table = schemed(case, "untruncated")
    found = exact.decomposed_critic(case.game, case.target, case.behaviour, table, np.inf)
    expected = v.reshape([-1] + [1] * case.game.num_agents) + sum(effects)
    np.testing.assert_allclose(found, expected, **EXACT)


@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
@pytest.mark.parametrize("limit", [None, 1.0])
def test_where_q_is_a_sum_over_agents_the_decomposed_critic_is_exact(make_case, scheme, limit):
    """Additive rewards, and transitions that no action changes."""
    case = make_case(1)
    rng = np.random.default_rng(3)
    shape = case.game.transitions.shape
    chain = rng.dirichlet(np.ones(4), size=4).reshape(4, 1, 1, 1, 4)
    own = rng.normal(size=(3, 4, 2))
    rewards = sum(own_factor(own, agent) for agent in range(3))
    game = exact.TeamGame(np.broadcast_to(chain, shape).copy(), rewards, 0.9)
    case = dataclasses.replace(case, game=game)
    table = schemed(case, scheme)
    found = exact.decomposed_critic(game, case.target, case.behaviour, table, limit)
    np.testing.assert_allclose(found, case.action_values, **EXACT)


def test_a_decomposed_critic_with_terms_of_all_agents_together_is_q(case):
    table = schemed(case, "double")
    parts = case.game, case.target, case.behaviour, table
    found = exact.decomposed_critic(*parts, order=case.game.num_agents)
    np.testing.assert_allclose(found, case.action_values, **EXACT)


def test_pair_terms_come_nearer_to_q_and_leave_v_and_the_main_effects(case):
    parts = case.game, case.target, case.target, constant(case, 0.9)
    v, effects = main_effects(case)
    weights = joint_factor(case.target)
    errors = []
    for order in (1, 2):
        found = exact.decomposed_critic(*parts, order=order)
        errors.append((weights * (found - case.action_values) ** 2).sum())
        critics = exact.Critics.of(found, case.target, 0)
        np.testing.assert_allclose(critics.state, v, **EXACT)
        expected = case.action_values - exact.expected_values(case.action_values, case.target, 0)
        own = found - critics.agent
        for j in range(1, case.game.num_agents):
            own, expected = (
                exact.expected_values(each, case.target, j) for each in (own, expected)
            )
        np.testing.assert_allclose(own, effects[0], **EXACT)
        np.testing.assert_allclose(own, expected, **EXACT)
    assert errors[1] < errors[0]


def test_decomposed_closed_forms_are_the_means_of_q(case):
    """V and every EQ^i = Q - u_i without a sum over joint actions."""
    features = exact.decomposed_operator(
        case.game, case.target, case.behaviour, constant(case, 0.5)
    )[1]
    coefficients = np.random.default_rng(4).normal(size=features.shape[1])
    states = case.game.num_states
    critics = exact.Critics.of(
        (features @ coefficients).reshape(case.game.rewards.shape), case.target, case.agent
    )
    np.testing.assert_allclose(critics.state, coefficients[:states], **EXACT)
    width = states * (case.game.num_actions - 1)
    of_agent = slice(states + case.agent * width, states + (case.agent + 1) * width)
    own_term = (features[:, of_agent] @ coefficients[of_agent]).reshape(critics.action.shape)
    np.testing.assert_allclose(
        np.broadcast_to(critics.agent, own_term.shape), critics.action - own_term, **EXACT
    )


def test_with_one_agent_v_bootstrapped_at_eq_equal_v_is_gae(make_case):
    case = make_case(0, num_agents=1)
    critics = own_means_of_anything(case)
    table = constant(case, 0.9)
    operator = exact.state_value_operator(case.game, case.target, case.target, table)
    found = exact.expected_advantages(case.game, case.target, "v_bootstrapped", critics, table)
    np.testing.assert_allclose(found, operator.advantages(critics.state), **EXACT)


def test_bad_forms_are_named(case):
    with pytest.raises(ValueError, match="form: expected one of"):
        exact.expected_advantages(
            case.game, case.target, "best", true_critics(case), constant(case, 1.0)
        )
