"""Every method learns on SMAX, where agents die: a dead one's only action is to stop."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow

TASK, LENGTH, STOP = "smax/1s1z", "rollout.steps=40", 4


def test_policy_gradient_updates(policy_gradient, policy_gradient_method):
    trained = policy_gradient(TASK, policy_gradient_method, LENGTH)
    trained.assert_sound()
    dead = ~trained.steps.observation.alive
    assert dead.sum() > 10
    assert (trained.steps.actions[dead] == STOP).all()
    assert (trained.steps.log_probs[dead] == 0).all()
    before, after = trained.log_ratios
    np.testing.assert_allclose(before, 0.0, atol=1e-5)
    assert (after[dead] == 0).all()
    assert (np.abs(after[~dead]) > 0).mean() > 0.9


def test_q_learning_updates(q_learning, q_learning_method):
    trained = q_learning(TASK, q_learning_method, LENGTH)
    trained.assert_sound()
    dead = ~trained.steps.observation.alive
    assert dead.sum() > 10
    assert (trained.steps.actions[dead] == STOP).all()
