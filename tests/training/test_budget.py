"""What a run counts, and how its learning rate falls."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import UpdateSettings
from gpae.training.policy_gradient import make_budget
from gpae.training.protocol import Budget
from gpae.training.settings import RolloutSettings, WindowSettings
from gpae.training.update import learning_rate_schedule, make_optimiser


def budget(length, mode, total=1e4):
    return make_budget(
        RolloutSettings(environments=16, steps=10),
        WindowSettings(length=length, mode=mode),
        UpdateSettings(epochs=3, minibatches=2),
        total,
    )


@pytest.mark.parametrize("mode", ["constant_batch", "growing_batch"])
def test_on_policy_both_modes_count_the_same(mode):
    expected = Budget(environments=16, env_steps=160, gradient_steps=6, updates=63)
    assert budget(1, mode) == expected


def test_a_constant_batch_makes_more_gradient_steps_of_the_same_env_steps():
    result = budget(4, "constant_batch")
    assert result == Budget(environments=4, env_steps=40, gradient_steps=6, updates=250)
    assert result.gradient_steps * result.updates == 4 * 6 * 62.5


def test_a_growing_batch_keeps_environments_and_gradient_steps():
    assert budget(4, "growing_batch") == budget(1, "growing_batch")


@pytest.mark.parametrize(("total", "updates"), [(160, 1), (161, 2), (1600, 10), (1, 1)])
def test_the_last_update_is_the_first_to_reach_the_total(total, updates):
    assert budget(1, "constant_batch", total).updates == updates


@pytest.mark.parametrize(
    ("mode", "collected", "rows"), [("constant_batch", 4, 16), ("growing_batch", 16, 64)]
)
def test_a_window_collects_from_its_share_of_environments(learner, mode, collected, rows):
    setup = learner(environments=16, steps=8, window=4, mode=mode)
    state = jax.eval_shape(setup.initial_state, 0)
    rewards = state.window.rollouts.steps.rewards
    assert rewards.shape == (4, 8, collected)
    assert rewards.size == rows * 8
    assert state.collector.first.shape == (collected,)


def test_the_learning_rate_falls_linearly_from_update_to_update():
    settings = UpdateSettings(learning_rate=0.1, anneal_learning_rate=True)
    schedule = learning_rate_schedule(settings, steps_per_update=6, num_updates=5)
    of_update = [0.1, 0.08, 0.06, 0.04, 0.02]
    rates = [schedule(np.int32(step)) for step in range(30)]
    np.testing.assert_allclose(rates, np.repeat(of_update, 6), rtol=1e-6)
    beyond = [float(schedule(np.int32(step))) for step in (30, 36, 1000)]
    assert beyond == [0.0, 0.0, 0.0], "a negative rate would unlearn"


def test_without_annealing_the_learning_rate_stays():
    settings = UpdateSettings(learning_rate=0.1, anneal_learning_rate=False)
    schedule = learning_rate_schedule(settings, steps_per_update=6, num_updates=5)
    assert [float(schedule(step)) for step in (0, 29)] == pytest.approx([0.1, 0.1])


def test_gradients_are_clipped_to_a_global_norm_before_adam():
    settings = UpdateSettings(learning_rate=1.0, adam_epsilon=1.0, max_gradient_norm=0.5)
    optimiser = make_optimiser(settings, learning_rate_schedule(settings, 1, 10))
    gradient = {"a": jnp.array([3.0]), "b": jnp.array([4.0])}
    updates, _ = optimiser.update(gradient, optimiser.init(gradient))
    # Adam's first step is g / (|g| + epsilon) with the clipped g = (0.3, 0.4)
    np.testing.assert_allclose(updates["a"], -0.3 / 1.3, rtol=1e-5)
    np.testing.assert_allclose(updates["b"], -0.4 / 1.4, rtol=1e-5)
