"""The operator against the plain definition: every trajectory of a layered game, one by one."""

import itertools

import numpy as np
import pytest

from gpae import estimators, exact

NUM_STATES, NUM_ACTIONS, STEPS, LAMBDA, ETA, GAMMA = 4, 2, 3, 0.8, 1.05, 0.9


@pytest.fixture(scope="module")
def layered():
    """State 0 leads to 1 or 2, both lead to 3, which absorbs and pays nothing."""
    rng = np.random.default_rng(11)
    transitions = np.zeros((NUM_STATES, NUM_ACTIONS, NUM_ACTIONS, NUM_STATES))
    chance = rng.uniform(size=(NUM_ACTIONS, NUM_ACTIONS))
    transitions[0, ..., 1], transitions[0, ..., 2] = chance, 1 - chance
    transitions[1:, ..., 3] = 1
    rewards = rng.normal(size=(NUM_STATES, NUM_ACTIONS, NUM_ACTIONS))
    rewards[3] = 0
    game = exact.TeamGame(transitions, rewards, GAMMA)
    policies = exact.softmax_policy(rng.normal(size=(2, 2, NUM_STATES, NUM_ACTIONS)))
    values = rng.normal(size=(NUM_STATES, 1, NUM_ACTIONS))
    values[3] = 0
    return game, policies[0], policies[1], values


def coefficient(scheme, own, other):
    formulas = {
        "none": 1,
        "individual": min(1, own),
        "joint": min(1, own * other),
        "double": min(1, own * min(ETA, other)),
        "inner": own * min(ETA, other),
        "untruncated": own * other,
    }
    return LAMBDA * formulas[scheme]


def enumerated_advantage(game, target, behaviour, values, scheme, bootstrap, first):
    """E_mu[sum_t gamma^t prod c_j (r + gamma w' EQ' - EQ)] for agent 0, over all trajectories."""
    pairs = list(itertools.product(range(NUM_STATES), range(NUM_ACTIONS), range(NUM_ACTIONS)))
    total = 0.0
    for rest in itertools.product(pairs, repeat=STEPS):
        path = [first, *rest]
        probability, product, estimate = 1.0, 1.0, 0.0
        for t, ((s, a, b), (s_next, a_next, b_next)) in enumerate(itertools.pairwise(path)):
            likely = behaviour[0, s_next, a_next] * behaviour[1, s_next, b_next]
            probability *= game.transitions[s, a, b, s_next] * likely
            if probability == 0:
                break
            own = target[0, s_next, a_next] / behaviour[0, s_next, a_next]
            other = target[1, s_next, b_next] / behaviour[1, s_next, b_next]
            weight = other if bootstrap == "corrected" else 1.0
            bootstrapped = GAMMA * weight * values[s_next, 0, b_next]
            estimate += (
                GAMMA**t * product * (game.rewards[s, a, b] + bootstrapped - values[s, 0, b])
            )
            product *= coefficient(scheme, own, other)
        total += probability * estimate
    return total


@pytest.mark.parametrize("bootstrap", estimators.BOOTSTRAPS)
@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_operator_is_its_definition(layered, scheme, bootstrap):
    game, target, behaviour, values = layered
    operator = exact.build_operator(
        game,
        target,
        behaviour,
        0,
        exact.traces(scheme, target, behaviour, 0, lambda_=LAMBDA, eta=ETA),
        exact.bootstrap_weights(bootstrap, target, behaviour, 0),
    )
    arguments = game, target, behaviour, values, scheme, bootstrap
    other = 1
    by_hand = [enumerated_advantage(*arguments, (0, own, other)) for own in range(NUM_ACTIONS)]
    np.testing.assert_allclose(operator.advantages(values)[0, :, other], by_hand, atol=1e-12)
    mixture = sum(
        behaviour[0, 0, own] * (target[0, 0, own] / behaviour[0, 0, own]) * by_hand[own]
        for own in range(NUM_ACTIONS)
    )
    expected = values[0, 0, other] + mixture
    assert operator(values)[0, 0, other] == pytest.approx(expected, abs=1e-12)
