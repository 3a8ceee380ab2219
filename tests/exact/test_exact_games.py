import numpy as np
import pytest

from gpae import exact

UNIFORM = np.full((2, 1, 2), 0.5)


def test_coordination_by_hand():
    """Agent 0 plays its first action with .8, agent 1 with .5."""
    game = exact.named_games()["coordination"]
    policy = np.array([[[0.8, 0.2]], [[0.5, 0.5]]])
    values = exact.action_values(game, policy)
    np.testing.assert_array_equal(values[0], [[1, 0], [0, 1]])
    assert exact.state_values(game, policy)[0] == pytest.approx(0.5)
    np.testing.assert_allclose(exact.expected_values(values, policy, 0)[0], [[0.8, 0.2]])
    np.testing.assert_allclose(exact.expected_values(values, policy, 1)[0], [[0.5], [0.5]])


def test_repeated_matrix_game_adds_the_discounted_mean():
    game = exact.named_games(discount=0.75)["xor"]
    assert exact.state_values(game, UNIFORM)[0] == pytest.approx(0.5 / 0.25)
    values = exact.action_values(game, UNIFORM)
    np.testing.assert_allclose(values[0], np.array([[0, 1], [1, 0]]) + 0.75 * 2)


def test_additive_game_gives_each_agent_its_own_part():
    """With separable rewards the counterfactual advantage ignores the other agent's action."""
    game = exact.named_games()["additive"]
    values = exact.action_values(game, UNIFORM)
    first = values - exact.expected_values(values, UNIFORM, 0)
    second = values - exact.expected_values(values, UNIFORM, 1)
    np.testing.assert_allclose(first[0], [[-1, -1], [1, 1]])
    np.testing.assert_allclose(second[0], [[-0.5, 0.5], [-0.5, 0.5]])


def test_climbing_and_penalty_under_the_uniform_policy():
    uniform = np.full((2, 1, 3), 1 / 3)
    climbing, penalty = (exact.named_games()[name] for name in ("climbing", "penalty"))
    assert exact.state_values(climbing, uniform)[0] == pytest.approx(-31 / 9)
    assert exact.state_values(penalty, uniform)[0] == pytest.approx(2 / 9)
    values = exact.action_values(climbing, uniform)
    expected = np.array([[-19, -23, 11]]) / 3
    np.testing.assert_allclose(exact.expected_values(values, uniform, 0)[0], expected)


def test_switching_game_by_hand():
    """Always staying earns 1 / (1 - gamma) in state 1 and nothing in state 0."""
    game = exact.switching_game(0.5)
    stay = np.array([[[1.0, 0.0]] * 2] * 2)
    np.testing.assert_allclose(exact.state_values(game, stay), [0, 2])
    values = exact.action_values(game, stay)
    np.testing.assert_allclose(values[0], [[0, 1], [0, 1]])
    np.testing.assert_allclose(exact.occupancy(game, stay), [0.5, 0.5])


def test_action_values_satisfy_the_bellman_equation(case):
    values = case.action_values
    joint = np.einsum("sa,sb,sc->sabc", *case.target)
    following = (joint * values).sum(axis=(1, 2, 3))
    expected = case.game.rewards + case.game.discount * case.game.transitions @ following
    np.testing.assert_allclose(values, expected, atol=1e-12)


def test_occupancy_is_the_discounted_visit_frequency(case):
    joint = np.einsum("sa,sb,sc->sabc", *case.target)
    chain = np.einsum("sabc,sabct->st", joint, case.game.transitions)
    gamma, distribution, total = case.game.discount, np.full(4, 0.25), np.zeros(4)
    for step in range(400):
        total += (1 - gamma) * gamma**step * distribution
        distribution = distribution @ chain
    np.testing.assert_allclose(exact.occupancy(case.game, case.target), total, atol=1e-12)


def test_additive_rewards_have_no_interaction():
    rng = np.random.default_rng(0)
    game = exact.random_game(
        rng, num_states=2, num_agents=3, num_actions=3, discount=0.5, rewards="additive"
    )
    gain = game.rewards[:, 1:2] - game.rewards[:, :1]
    np.testing.assert_allclose(gain, np.broadcast_to(gain[:, :, :1, :1], gain.shape))
    assert game.rewards.shape == (2, 3, 3, 3)


def test_random_games_follow_their_generator():
    def draw(seed):
        rng = np.random.default_rng(seed)
        return exact.random_game(rng, num_states=3, num_agents=2, num_actions=2, discount=0.9)

    np.testing.assert_array_equal(draw(1).transitions, draw(1).transitions)
    assert not np.array_equal(draw(1).rewards, draw(2).rewards)


def test_sampled_trajectories_have_the_games_frequencies(case):
    """Counts of successors and following actions agree with the tables to five deviations."""
    num = 100_000
    rng = np.random.default_rng(0)
    sampled = exact.sample_trajectories(rng, case.game, case.behaviour, num=num, length=1)
    first = (sampled.states[0], *sampled.actions[0].T)
    np.testing.assert_array_equal(sampled.rewards[0], case.game.rewards[first])
    joint = np.einsum("sa,sb,sc->sabc", *case.behaviour)
    successor = case.game.transitions.mean(axis=(0, 1, 2, 3))
    expected = successor[:, None, None, None] * joint
    counts = np.zeros(expected.shape)
    np.add.at(counts, (sampled.states[1], *sampled.actions[1].T), 1)
    deviation = np.sqrt(expected * (1 - expected) / num)
    assert (np.abs(counts / num - expected) < 5 * deviation).all()


def test_lookup_reads_each_agents_own_axis(case):
    rng = np.random.default_rng(0)
    sampled = exact.sample_trajectories(rng, case.game, case.target, num=5, length=3)
    read = sampled.lookup(case.true_values)
    for t, e in np.ndindex(4, 5):
        actions = list(sampled.actions[t, e])
        actions[case.agent] = 0
        assert read[t, e] == case.true_values[(sampled.states[t, e], *actions)]


@pytest.mark.parametrize(
    ("transitions", "rewards", "discount", "message"),
    [
        (np.ones((1, 2, 2, 1)), np.zeros((1, 2, 3)), 0.9, "rewards: expected"),
        (np.ones((1, 2, 1)), np.zeros((1, 2, 2)), 0.9, "transitions: expected shape"),
        (np.ones((2, 2, 2)), np.zeros((2, 2)), 0.9, "transitions: expected distributions"),
        (np.ones((1, 2, 1)), np.zeros((1, 2)), 1.0, "discount: expected a number"),
    ],
)
def test_malformed_games_are_refused(transitions, rewards, discount, message):
    with pytest.raises(ValueError, match=message):
        exact.TeamGame(transitions, rewards, discount)


def test_unknown_reward_structure_and_bad_policies_are_refused():
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="rewards: expected 'joint' or 'additive'"):
        exact.random_game(
            rng, num_states=1, num_agents=1, num_actions=2, discount=0.5, rewards="other"
        )
    game = exact.named_games()["xor"]
    with pytest.raises(ValueError, match="policy: expected a distribution"):
        exact.action_values(game, 2 * UNIFORM)
    with pytest.raises(ValueError, match=r"policy: expected shape \[N, S, A\]"):
        exact.occupancy(game, UNIFORM[:1])
