"""Every policy-gradient method learns on continuous tasks, and the Q-learners refuse them."""

import numpy as np
import pytest

from gpae.config.compose import compose
from gpae.errors import UserError

pytestmark = pytest.mark.slow

TASK = "mabrax/hopper-3x1"


def test_policy_gradient_updates(policy_gradient, policy_gradient_method):
    trained = policy_gradient(TASK, policy_gradient_method, "rollout.steps=8")
    trained.assert_sound()
    assert trained.steps.actions.shape == (16, 4, 3, 1)
    assert np.abs(trained.steps.actions).max() > 1, "the policy's own numbers, not those clipped"
    before, after = trained.log_ratios
    np.testing.assert_allclose(before, 0.0, atol=1e-5)
    assert np.abs(after).min() > 0


def test_q_learners_refuse(q_learning_method):
    with pytest.raises(UserError, match=f"method={q_learning_method} needs discrete actions"):
        compose([f"task={TASK}", f"method={q_learning_method}"])
