import jax.numpy as jnp
import numpy as np
import pytest

from gpae import estimators, exact
from gpae.exact.policies import joint_factor
from gpae.exact.values import successor_mean

ESTIMATES = (None, 0.0, 0.95)


def all_variances(game, policy, agent, lambda_):
    return {
        baseline: exact.gradient_variance(game, policy, agent, baseline, lambda_=lambda_)
        for baseline in exact.BASELINES
    }


def test_coordination_by_hand():
    """Uniform policies: squared score .5, mean zero; Q is 0 or 1 and Q - b is +-.5."""
    game, policy = exact.named_games()["coordination"], np.full((2, 1, 2), 0.5)
    variances = all_variances(game, policy, 0, None)
    assert variances == pytest.approx({"none": 0.25, "state": 0.125, "agent": 0.125})


def test_additive_game_by_hand():
    """Agent 0 is worth +-1 and agent 1 +-.5: the baseline V keeps agent 1's part as noise."""
    game, policy = exact.named_games()["additive"], np.full((2, 1, 2), 0.5)
    variances = all_variances(game, policy, 0, None)
    assert variances["agent"] == pytest.approx(0.5 * 1 - 0.5)
    assert variances["state"] == pytest.approx(0.5 * (1 + 0.25) - 0.5)
    assert variances["none"] == pytest.approx(0.5 * (0 + 1 + 4 + 9) / 4 - 0.5)


@pytest.mark.parametrize("lambda_", ESTIMATES)
def test_with_one_agent_both_baselines_are_one(make_case, lambda_):
    case = make_case(0, num_agents=1, num_actions=3)
    variances = all_variances(case.game, case.target, 0, lambda_)
    assert variances["agent"] == pytest.approx(variances["state"], rel=1e-12)


def test_with_two_equally_likely_actions_the_agent_baseline_is_best(make_case):
    """There the score has one length, so subtracting the conditional mean is optimal."""
    for seed in range(10):
        case = make_case(seed)
        policy = case.target.copy()
        policy[case.agent] = 0.5
        variances = all_variances(case.game, policy, case.agent, None)
        assert variances["agent"] <= variances["state"] + 1e-12
        assert variances["agent"] <= variances["none"] + 1e-12


def gradient_samples(case, sampled, advantages):
    """``score * A`` for every sample, ``[samples, S * A]``."""
    policy = case.target[case.agent]
    states, actions = sampled.states[0], sampled.actions[0, :, case.agent]
    gradients = np.zeros((len(states), *policy.shape))
    score = np.eye(policy.shape[1])[actions] - policy[states]
    gradients[np.arange(len(states)), states] = score * advantages[:, None]
    return gradients.reshape(len(states), -1)


def on_policy_weights(case, sampled):
    """Density of occupancy and team policy against the uniform (s_0, a_0) of the sampler."""
    joint = np.einsum("sa,sb->sab", *case.target)
    density = exact.occupancy(case.game, case.target)[:, None, None] * joint * joint.size
    return sampled.lookup(density)[0]


@pytest.mark.slow
@pytest.mark.parametrize("baseline", exact.BASELINES)
@pytest.mark.parametrize("lambda_", ESTIMATES)
def test_variance_agrees_with_sampling(make_case, baseline, lambda_):
    case = make_case(4, num_agents=2, num_states=3, discount=0.7)
    rng = np.random.default_rng(0)
    length = 1 if lambda_ is None else 40
    sampled = exact.sample_trajectories(rng, case.game, case.target, num=100_000, length=length)
    values = {
        "agent": case.true_values,
        "state": exact.state_values(case.game, case.target)[:, None, None],
    }
    values["none"] = values["state"]
    along = sampled.lookup(values[baseline])
    if lambda_ is None:
        advantages = sampled.lookup(case.action_values)[0] - along[0]
    else:
        shape = sampled.rewards.shape
        advantages = np.asarray(
            estimators.gae(
                jnp.asarray(sampled.rewards),
                jnp.asarray(along[:-1]),
                jnp.asarray(along[1:]),
                jnp.full(shape, case.game.discount),
                jnp.zeros(shape, bool),
                lambda_,
            )[0],
            dtype=float,
        )
    if baseline == "none":
        advantages = advantages + along[0]
    gradients = gradient_samples(case, sampled, advantages)
    weights = on_policy_weights(case, sampled)[:, None]
    mean = (weights * gradients).mean(axis=0)
    squares = (weights * gradients**2).sum(axis=1)
    sampled_variance = squares.mean() - (mean**2).sum()
    expected = exact.gradient_variance(
        case.game, case.target, case.agent, baseline, lambda_=lambda_
    )
    error = squares.std() / np.sqrt(len(squares))
    assert abs(sampled_variance - expected) < 5 * error
    assert sampled_variance == pytest.approx(expected, rel=0.03)


def test_sampling_only_adds_variance(make_case):
    """A sampled advantage is the exact one plus noise, so it never varies less."""
    for seed in range(5):
        case = make_case(seed)
        policies = case.game, case.target, case.agent
        for baseline in exact.BASELINES:
            known = exact.gradient_variance(*policies, baseline)
            for lambda_ in (0.0, 0.5, 1.0):
                sampled = exact.gradient_variance(*policies, baseline, lambda_=lambda_)
                assert sampled > known


def test_weight_variance_by_hand():
    """One team mate, mu = (.5, .5), pi = (.8, .2): the ratio is 1.6 or .4, its variance .36."""
    game = exact.named_games()["xor"]
    target = np.array([[[0.5, 0.5]], [[0.8, 0.2]]])
    behaviour = np.full((2, 1, 2), 0.5)
    assert exact.weight_variance(game, target, behaviour, 0) == pytest.approx(0.36)
    assert exact.weight_variance(game, target, behaviour, 0, limit=1) == pytest.approx(0.09)
    assert exact.weight_variance(game, target, behaviour, 1) == pytest.approx(0, abs=1e-15)


def test_weight_variance_multiplies_over_team_mates():
    """Second moments multiply: with k such team mates the variance is 1.36^k - 1."""
    for team_mates in (1, 2, 5):
        game = exact.matrix_game(np.zeros((2,) * (team_mates + 1)))
        target = np.array([[[0.5, 0.5]], *[[[0.8, 0.2]]] * team_mates])
        behaviour = np.full_like(target, 0.5)
        variance = exact.weight_variance(game, target, behaviour, 0)
        assert variance == pytest.approx(1.36**team_mates - 1)


def test_bad_arguments_are_named(case):
    arguments = case.game, case.target, case.agent
    with pytest.raises(ValueError, match="baseline: expected one of"):
        exact.gradient_variance(*arguments, "best")
    with pytest.raises(ValueError, match="lambda_: expected None or a number"):
        exact.gradient_variance(*arguments, "state", lambda_=2)


def off_policy_parts(case, scheme, bootstrap, lambda_=0.9):
    policies = case.target, case.behaviour
    table = exact.traces(scheme, *policies, case.agent, lambda_=lambda_)
    return table, exact.bootstrap_weights(bootstrap, *policies, case.agent)


def test_on_policy_advantage_variance_is_the_one_of_gaes_errors(make_case):
    """With c = 0 only the next state and action vary: Var(gamma EQ(s', a'))."""
    case = make_case(0)
    table, weights = off_policy_parts(case, "none", "paper", lambda_=0.0)
    found = exact.advantage_variance(case.game, case.target, case.true_values, table, weights)
    joint = joint_factor(case.target)
    mean = successor_mean(case.game, case.target, case.true_values)
    square = successor_mean(case.game, case.target, case.true_values**2)
    expected = 0.81 * (joint * (square - mean**2)).sum() / case.game.num_states
    assert found == pytest.approx(expected, rel=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("bootstrap", estimators.BOOTSTRAPS)
@pytest.mark.parametrize("scheme", ["individual", "double", "inner", "untruncated"])
def test_sampled_off_policy_advantages_vary_as_computed(make_case, scheme, bootstrap):
    case = make_case(3, num_agents=2, num_states=3, discount=0.6, shift=0.4)
    parts = off_policy_parts(case, scheme, bootstrap)
    expected = exact.advantage_variance(case.game, case.behaviour, case.true_values, *parts)
    rng = np.random.default_rng(0)
    sampled = exact.sample_trajectories(rng, case.game, case.behaviour, num=200_000, length=25)
    traces, weights = map(sampled.lookup, parts)
    values = sampled.lookup(case.true_values)
    advantage = 0.0
    for t in reversed(range(25)):
        following = weights[t + 1] * values[t + 1] + traces[t + 1] * advantage
        advantage = sampled.rewards[t] - values[t] + 0.6 * following
    operator = exact.build_operator(case.game, case.target, case.behaviour, case.agent, *parts)
    deviation = (advantage - sampled.lookup(operator.advantages(case.true_values))[0]) ** 2
    chances = joint_factor(case.behaviour) * 2**case.game.num_agents
    weighted = deviation * sampled.lookup(chances)[0]
    error = weighted.std() / np.sqrt(weighted.size)
    assert abs(weighted.mean() - expected) < 4 * error
    assert error < 0.03 * expected


def test_an_advantage_variance_that_diverges_is_infinite(make_case):
    """The squares' recursion diverges long before that of the mean does."""
    case = make_case(0, shift=2.0)
    table, weights = off_policy_parts(case, "untruncated", "corrected", lambda_=1.0)
    found = exact.advantage_variance(case.game, case.behaviour, case.true_values, table, weights)
    assert found == np.inf
