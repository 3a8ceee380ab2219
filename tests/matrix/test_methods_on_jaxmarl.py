"""Every method learns on environments that come through the JaxMARL adapter."""

import numpy as np
import pytest

pytestmark = pytest.mark.slow

TASKS = (
    "jaxmarl/MPE_simple_spread_v3",
    "jaxmarl/MPE_simple_speaker_listener_v4",
    "jaxmarl/overcooked",
    "jaxmarl/switch_riddle",
)
TINY = ("rollout.steps=12", "network.core=feedforward")


@pytest.mark.parametrize("task", TASKS)
def test_policy_gradient_updates(policy_gradient, task, policy_gradient_method):
    trained = policy_gradient(task, policy_gradient_method, *TINY)
    trained.assert_sound()
    before, after = trained.log_ratios
    np.testing.assert_allclose(before, 0.0, atol=1e-5)
    assert np.abs(after).max() > 0


@pytest.mark.parametrize("task", TASKS)
def test_q_learning_updates(q_learning, task, q_learning_method):
    q_learning(task, q_learning_method, *TINY).assert_sound()
