"""What exact computation shows: each statement about the operators, one test."""

import itertools

import numpy as np
import pytest

from gpae import estimators, exact

LAMBDAS = (0.01, 0.5, 0.95, 1.0)
EXACT = {"atol": 1e-10, "rtol": 0}
BOUNDED = ("none", "individual", "joint", "double")


def on_policy(case, lambda_):
    traces = np.full(case.game.rewards.shape, lambda_)
    return exact.build_operator(case.game, case.target, case.target, case.agent, traces)


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_on_policy_fixed_point_and_advantage_are_exact_for_every_lambda(case, lambda_):
    operator = on_policy(case, lambda_)
    fixed = exact.fixed_point(operator)
    np.testing.assert_allclose(fixed, case.true_values, **EXACT)
    np.testing.assert_allclose(operator(fixed), fixed, **EXACT)
    np.testing.assert_allclose(operator.advantages(fixed), case.advantages, **EXACT)


@pytest.mark.parametrize("lambda_", LAMBDAS)
def test_on_policy_modulus_has_a_closed_form(case, lambda_):
    gamma = case.game.discount
    expected = gamma * (1 - lambda_) / (1 - gamma * lambda_)
    operator = on_policy(case, lambda_)
    assert exact.contraction_modulus(operator) == pytest.approx(expected, abs=1e-10)
    assert exact.spectral_radius(operator) == pytest.approx(expected, abs=1e-6)


def test_on_policy_lambda_one_needs_no_fixed_point(case):
    values = np.random.default_rng(0).normal(size=case.true_values.shape)
    operator = on_policy(case, 1.0)
    np.testing.assert_allclose(operator(values), case.true_values, **EXACT)
    np.testing.assert_allclose(operator.advantages(values), case.action_values - values, **EXACT)


def test_below_lambda_one_wrong_values_leave_a_bias(case):
    operator = on_policy(case, 0.5)
    values = case.true_values + np.arange(case.game.num_states).reshape(-1, 1, 1, 1)
    bias = operator.advantages(values) - (case.action_values - values)
    assert np.abs(bias).max() > 0.1


def test_with_one_agent_the_operator_is_that_of_gae(make_case):
    case = make_case(0, num_agents=1)
    operator = on_policy(case, 0.9)
    values = exact.state_values(case.game, case.target)
    np.testing.assert_allclose(exact.fixed_point(operator)[:, 0], values, **EXACT)


@pytest.mark.parametrize("lambda_", [0.6, 1.0])
@pytest.mark.parametrize("scheme", BOUNDED)
def test_printed_operator_contracts_by_gamma_for_bounded_traces(case, scheme, lambda_):
    operator = case.operator(scheme, "paper", lambda_)
    assert (operator.linear >= -1e-12).all()
    assert exact.contraction_modulus(operator) <= case.game.discount + 1e-12
    assert exact.spectral_radius(operator) <= exact.contraction_modulus(operator) + 1e-9


def test_printed_operator_contracts_by_gamma_for_any_traces_in_the_unit_interval(case):
    rng = np.random.default_rng(1)
    for _ in range(20):
        traces = rng.uniform(size=case.game.rewards.shape)
        operator = exact.build_operator(case.game, case.target, case.behaviour, case.agent, traces)
        assert exact.contraction_modulus(operator) <= case.game.discount + 1e-12


def test_gamma_is_attained_without_traces(case):
    traces = np.zeros(case.game.rewards.shape)
    operator = exact.build_operator(case.game, case.target, case.behaviour, case.agent, traces)
    assert exact.contraction_modulus(operator) == pytest.approx(case.game.discount, abs=1e-12)


def test_modulus_is_the_worst_ratio_of_distances(case):
    operator = case.operator("double", "paper", 0.9)
    rng = np.random.default_rng(2)
    left, right = rng.normal(size=(2, *case.true_values.shape))
    modulus = exact.contraction_modulus(operator)
    assert np.abs(operator(left) - operator(right)).max() <= modulus * np.abs(left - right).max()
    worst = np.abs(operator.linear).sum(axis=1).argmax()
    direction = np.sign(operator.linear[worst]).reshape(left.shape)
    moved = np.abs(operator(left + direction) - operator(left)).max()
    assert moved == pytest.approx(modulus, abs=1e-12)


@pytest.mark.parametrize("lambda_", [0.6, 1.0])
@pytest.mark.parametrize("scheme", ["joint", "double", "inner", "untruncated"])
def test_corrected_operator_contracts_by_gamma_where_the_mean_trace_is_below_the_weight(
    case, scheme, lambda_
):
    operator = case.operator(scheme, "corrected", lambda_)
    assert exact.contraction_modulus(operator) <= case.game.discount + 1e-12


def test_corrected_operator_contracts_by_gamma_for_any_traces_below_the_ratio(case):
    rng = np.random.default_rng(4)
    policies = case.target, case.behaviour
    ratio = exact.traces("untruncated", *policies, case.agent)
    weights = exact.bootstrap_weights("corrected", *policies, case.agent)
    for _ in range(20):
        traces = ratio * rng.uniform(size=ratio.shape)
        operator = exact.build_operator(case.game, *policies, case.agent, traces, weights)
        assert (operator.linear >= -1e-12).all()
        assert exact.contraction_modulus(operator) <= case.game.discount + 1e-12


@pytest.mark.parametrize("scheme", ["none", "individual"])
def test_corrected_operator_may_expand_under_traces_blind_to_the_team(make_case, scheme):
    case = make_case(0, shift=1.5)
    assert exact.contraction_modulus(case.operator(scheme, "corrected")) > 1
    assert exact.contraction_modulus(case.operator(scheme, "paper")) <= case.game.discount


@pytest.mark.parametrize("bootstrap", estimators.BOOTSTRAPS)
@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_a_scheme_contracts_by_gamma_with_the_bootstraps_that_it_names_and_no_other(
    make_case, scheme, bootstrap
):
    """Some case with distant policies expands wherever contraction is not claimed."""
    moduli = []
    for seed, shift in itertools.product(range(6), (0.3, 0.7, 1.2)):
        case = make_case(seed, shift=shift)
        try:
            operator = case.operator(scheme, bootstrap, lambda_=0.95, eta=1 / 0.95)
        except ValueError:
            continue
        moduli.append(exact.contraction_modulus(operator))
    claimed = bootstrap in estimators.TRACE_SCHEMES[scheme].contracts_with
    assert len(moduli) > 6
    assert (max(moduli) <= 0.9 + 1e-12) == claimed
    assert claimed or max(moduli) > 1


def switching_operator(target_stays, behaviour_stays, scheme, bootstrap, discount):
    def policy(stays):
        return np.array([[[0.5, 0.5]] * 2, [[stays, 1 - stays]] * 2])

    policies = policy(target_stays), policy(behaviour_stays)
    return exact.build_operator(
        exact.switching_game(discount),
        *policies,
        0,
        exact.traces(scheme, *policies, 0),
        exact.bootstrap_weights(bootstrap, *policies, 0),
    )


@pytest.mark.parametrize("discount", [0.5, 0.9])
@pytest.mark.parametrize(
    ("target_stays", "behaviour_stays", "scheme", "bootstrap"),
    [
        (0.9, 0.1, "untruncated", "paper"),
        (0.1, 0.9, "none", "corrected"),
        (0.1, 0.9, "individual", "corrected"),
    ],
)
def test_switching_game_diverges_as_computed_by_hand(
    target_stays, behaviour_stays, scheme, bootstrap, discount
):
    """The chain's eigenvalues are 1 and .8; the two policies differ by .8 on each action."""
    operator = switching_operator(target_stays, behaviour_stays, scheme, bootstrap, discount)
    radius = 1.6 * discount / (1 - 0.8 * discount)
    modulus = 1.6 * discount / (1 - discount)
    assert exact.spectral_radius(operator) == pytest.approx(radius, rel=1e-10)
    assert exact.contraction_modulus(operator) == pytest.approx(modulus, rel=1e-10)
    assert radius > 1


def test_as_printed_even_full_ratios_miss_the_fixed_point(case):
    fixed = exact.fixed_point(case.operator("untruncated", "paper"))
    assert np.abs(fixed - case.true_values).max() > 0.05
    error = case.operator("untruncated", "paper").advantages(fixed) - case.advantages
    assert np.abs(error).max() > 0.01


@pytest.mark.parametrize("lambda_", LAMBDAS)
@pytest.mark.parametrize("scheme", ["inner", "untruncated"])
def test_as_printed_exact_traces_evaluate_the_agent_against_the_behaviour_of_its_team(
    case, scheme, lambda_
):
    mixed = exact.mixed_policy(case.target, case.behaviour, case.agent)
    action_values = exact.action_values(case.game, mixed)
    expected = exact.expected_values(action_values, mixed, case.agent)
    operator = case.operator(scheme, "paper", lambda_)
    np.testing.assert_allclose(exact.fixed_point(operator), expected, **EXACT)
    np.testing.assert_allclose(operator.advantages(expected), action_values - expected, **EXACT)


def test_printed_fixed_point_of_a_repeated_matrix_game_by_hand():
    """Others keep mu^-i later: r_pi(a^-i) + gamma / (1 - gamma) E_{pi^i, mu^-i} r."""
    gamma, target = 0.9, np.array([[[0.5, 0.5]], [[0.9, 0.1]]])
    behaviour = np.array([[[0.3, 0.7]], [[0.2, 0.8]]])
    game = exact.named_games(gamma)["additive"]
    traces = exact.traces("untruncated", target, behaviour, 0)
    operator = exact.build_operator(game, target, behaviour, 0, traces)
    own_mean, team_under_mu, team_under_pi = 1.0, 0.8, 0.1
    tail = gamma / (1 - gamma)
    printed = own_mean + np.array([0, 1]) + tail * (own_mean + team_under_mu)
    correct = own_mean + np.array([0, 1]) + tail * (own_mean + team_under_pi)
    np.testing.assert_allclose(exact.fixed_point(operator)[0, 0], printed, **EXACT)
    weights = exact.bootstrap_weights("corrected", target, behaviour, 0)
    repaired = exact.build_operator(game, target, behaviour, 0, traces, weights)
    np.testing.assert_allclose(exact.fixed_point(repaired)[0, 0], correct, **EXACT)


@pytest.mark.parametrize("eta", [0.3, 1.0, 1.05, 10.0])
@pytest.mark.parametrize("lambda_", LAMBDAS)
@pytest.mark.parametrize("scheme", ["inner", "untruncated"])
def test_weighted_bootstrap_repairs_it_without_outer_truncation(case, scheme, lambda_, eta):
    operator = case.operator(scheme, "corrected", lambda_, eta)
    np.testing.assert_allclose(exact.fixed_point(operator), case.true_values, **EXACT)
    np.testing.assert_allclose(operator.advantages(case.true_values), case.advantages, **EXACT)


def bounded_targets(case, scheme, bootstrap, limit):
    policies = case.target, case.behaviour
    return exact.build_operator(
        case.game,
        *policies,
        case.agent,
        exact.traces(scheme, *policies, case.agent),
        exact.bootstrap_weights(bootstrap, *policies, case.agent),
        target_limit=limit,
    )


@pytest.mark.parametrize("scheme", ["inner", "untruncated"])
def test_truncating_the_targets_as_printed_biases_even_the_exact_combination(case, scheme):
    """Eq. 11 weighs the advantage by min(1, rho^i), whose mean under mu^i is not that of pi^i."""
    errors = []
    for limit in (1.0, 2.0, 4.0, np.inf):
        operator = bounded_targets(case, scheme, "corrected", limit)
        errors.append(np.abs(exact.fixed_point(operator) - case.true_values).max())
        np.testing.assert_allclose(operator.advantages(case.true_values), case.advantages, **EXACT)
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 0.05
    assert errors[-1] < 1e-10


def test_a_bound_on_the_targets_that_never_binds_changes_nothing(case):
    largest = (case.target / case.behaviour).max()
    bounded, free = (bounded_targets(case, "double", "paper", x) for x in (largest, np.inf))
    np.testing.assert_allclose(bounded.linear, free.linear, **EXACT)
    np.testing.assert_allclose(bounded.offset, free.offset, **EXACT)


def test_weighted_bootstrap_is_exact_for_own_ratio_times_any_function_of_the_others(case):
    rng = np.random.default_rng(3)
    ratios = exact.importance_ratios(case.target, case.behaviour)
    shape = [1] * case.game.rewards.ndim
    shape[0], shape[1 + case.agent] = case.game.num_states, -1
    factor = rng.uniform(0, 1, size=case.true_values.shape)
    traces = ratios[case.agent].reshape(shape) * factor
    weights = exact.bootstrap_weights("corrected", case.target, case.behaviour, case.agent)
    policies = case.target, case.behaviour
    operator = exact.build_operator(case.game, *policies, case.agent, traces, weights)
    np.testing.assert_allclose(exact.fixed_point(operator), case.true_values, **EXACT)
    np.testing.assert_allclose(operator.advantages(case.true_values), case.advantages, **EXACT)


@pytest.mark.parametrize("scheme", BOUNDED)
def test_outer_truncation_biases_the_corrected_operator(case, scheme):
    fixed = exact.fixed_point(case.operator(scheme, "corrected"))
    assert np.abs(fixed - case.true_values).max() > 0.01


def test_outer_truncation_that_never_binds_leaves_no_bias(make_case):
    """With lambda at most one over the largest ratio, ``min(1, rho lambda)`` cuts nothing."""
    case = make_case(1)
    inner = exact.traces("inner", case.target, case.behaviour, case.agent)
    truncated = np.minimum(1, inner / inner.max())
    weights = exact.bootstrap_weights("corrected", case.target, case.behaviour, case.agent)
    policies = case.target, case.behaviour
    operator = exact.build_operator(case.game, *policies, case.agent, truncated, weights)
    np.testing.assert_allclose(exact.fixed_point(operator), case.true_values, **EXACT)


def test_truncating_the_weight_costs_bias_that_falls_with_the_limit(make_case):
    errors = []
    for limit in (0.5, 1.0, 2.0, 4.0, np.inf):
        drawn = [make_case(seed) for seed in range(6)]
        fixed = [exact.fixed_point(c.operator("inner", "corrected", limit=limit)) for c in drawn]
        distances = [np.abs(f - c.true_values).max() for f, c in zip(fixed, drawn, strict=True)]
        errors.append(np.mean(distances))
    assert errors[0] > errors[1] > errors[2] > errors[3] > errors[4]
    assert errors[1] > 0.3
    assert errors[4] < 1e-10


def test_fixed_point_is_the_limit_of_repeated_application(case):
    operator = case.operator("double", "paper", 0.95)
    values = np.zeros(operator.value_shape)
    for _ in range(200):
        values = operator(values)
    np.testing.assert_allclose(values, exact.fixed_point(operator), atol=1e-8)


def test_on_policy_every_scheme_is_lambda(case):
    for scheme in estimators.TRACE_SCHEMES:
        policies = case.target, case.target
        traces = exact.traces(scheme, *policies, case.agent, lambda_=0.7)
        np.testing.assert_allclose(traces, 0.7, **EXACT)
    weights = exact.bootstrap_weights("corrected", case.target, case.target, case.agent)
    np.testing.assert_allclose(weights, 1.0, **EXACT)


def test_diverging_traces_are_refused(case):
    traces = np.full(case.game.rewards.shape, 1.2)
    with pytest.raises(ValueError, match="traces: too large"):
        exact.build_operator(case.game, case.target, case.behaviour, case.agent, traces)


def test_bad_arguments_are_named(case):
    policies = case.target, case.behaviour
    with pytest.raises(ValueError, match="scheme must be one of"):
        exact.traces("triple", *policies, 0)
    with pytest.raises(ValueError, match="lambda_: expected a number in"):
        exact.traces("joint", *policies, 0, lambda_=1.5)
    with pytest.raises(ValueError, match="eta: expected a positive"):
        exact.traces("double", *policies, 0, eta=0)
    with pytest.raises(ValueError, match="bootstrap: expected one of"):
        exact.bootstrap_weights("other", *policies, 0)
    with pytest.raises(ValueError, match="behaviour: expected every action"):
        exact.importance_ratios(case.target, np.zeros_like(case.target))
    with pytest.raises(ValueError, match="target: expected shape"):
        exact.build_operator(case.game, case.target[:1], case.behaviour, 0, np.ones(1))
