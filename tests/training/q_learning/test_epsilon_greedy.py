"""Exploration: the schedule of epsilon, and which actions it can lead to."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Vdn
from gpae.training.q_learning.exploration import epsilon_at, epsilon_greedy

AGENTS, ACTIONS = 2, 5
VALUES = np.float32([[3, 9, 1, 2, 5], [0, -1, -2, -3, -4]])
AVAILABLE = np.array([[True, False, True, False, True], [False, True, True, True, True]])
BEST = [4, 1]


def test_epsilon_falls_linearly_over_its_part_of_the_run_and_stays():
    method = Vdn(epsilon_start=0.9, epsilon_finish=0.1, epsilon_decay=0.4)
    found = [float(epsilon_at(method, jnp.int32(update), 10)) for update in range(10)]
    np.testing.assert_allclose(found, [0.9, 0.7, 0.5, 0.3, *[0.1] * 6], rtol=1e-6)


def test_without_a_decay_epsilon_is_its_last_value_from_the_start():
    method = Vdn(epsilon_start=1.0, epsilon_finish=0.2, epsilon_decay=0.0)
    assert float(epsilon_at(method, jnp.int32(0), 10)) == pytest.approx(0.2)


@pytest.mark.parametrize("epsilon", [0.0, 0.25, 1.0])
def test_probabilities(epsilon):
    policy = epsilon_greedy(jnp.asarray(VALUES), jnp.asarray(AVAILABLE), epsilon)
    expected = epsilon * AVAILABLE / AVAILABLE.sum(-1, keepdims=True)
    expected[np.arange(AGENTS), BEST] += 1 - epsilon
    np.testing.assert_allclose(policy.probabilities, expected, rtol=1e-5)
    assert (np.asarray(policy.probabilities)[~AVAILABLE] == 0).all()


@pytest.mark.parametrize(
    ("epsilon", "drawn"), [(0.0, [{4}, {1}]), (1.0, [{0, 2, 4}, {1, 2, 3, 4}])]
)
def test_unavailable_actions_are_never_drawn_and_all_others_are(epsilon, drawn):
    policy = epsilon_greedy(jnp.asarray(VALUES), jnp.asarray(AVAILABLE), epsilon)
    actions = np.asarray(jax.vmap(policy.sample)(jax.random.split(jax.random.key(0), 5000)))
    assert [set(column) for column in actions.T.tolist()] == drawn
