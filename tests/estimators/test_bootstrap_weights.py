"""Weights of the corrected bootstrap: the next step's ratio, and 1 where none follows."""

import jax
import numpy as np
import pytest

from gpae import estimators

# Four steps of three agents. Step 1 ends an episode; step 2's successor was drawn afresh.
LOG_RATIOS = np.log(
    np.array(
        [[2.0, 0.5, 1.0], [1.0, 2.0, 0.25], [4.0, 4.0, 4.0], [0.5, 0.5, 3.0]],
        np.float32,
    )
)
BOUNDARIES = np.array([False, True, False, False])
RESAMPLED = np.array([False, False, True, False])


def weights(log_ratios=LOG_RATIOS, boundaries=BOUNDARIES, resampled=RESAMPLED, **options):
    return np.asarray(estimators.bootstrap_weights(log_ratios, boundaries, resampled, **options))


def test_by_hand():
    # rho^-i of step 1 is 2 / 4, 1 / 4 and 2; then a boundary, a resampled successor, the end.
    expected = [[0.5, 0.25, 2.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    np.testing.assert_allclose(weights(), expected, rtol=1e-6)


def test_inside_an_episode_every_step_has_the_next_ones_ratio():
    nowhere = np.zeros(4, bool)
    expected = [[0.5, 0.25, 2.0], [16.0, 16.0, 16.0], [1.5, 1.5, 0.25], [1.0, 1.0, 1.0]]
    np.testing.assert_allclose(weights(boundaries=nowhere, resampled=nowhere), expected, rtol=1e-6)


def test_the_joint_ratio_for_values_of_the_joint_action():
    nowhere = np.zeros(4, bool)
    found = weights(boundaries=nowhere, resampled=nowhere, actions="joint")
    np.testing.assert_allclose(found[:, 0], [0.5, 64.0, 0.75, 1.0], rtol=1e-6)
    np.testing.assert_array_equal(found, found[:, :1] * np.ones(3, np.float32))


@pytest.mark.parametrize("limit", [0.4, 1.5])
def test_a_limit_bounds_ratios_alone(limit):
    limited = weights(limit=limit)
    np.testing.assert_allclose(limited[0], np.minimum(limit, weights()[0]), rtol=1e-6)
    np.testing.assert_array_equal(limited[1:], 1.0)


def test_without_a_limit_weights_stop_at_e_to_the_20():
    nowhere = np.zeros(4, bool)
    found = weights(np.full((4, 3), 100.0, np.float32), nowhere, nowhere)
    np.testing.assert_allclose(found[:-1], np.exp(20.0), rtol=1e-5)
    np.testing.assert_array_equal(found[-1], 1.0)


def test_an_action_that_the_target_policy_rules_out_has_no_weight():
    log_ratios = np.zeros((2, 3), np.float32)
    log_ratios[1, 0] = -np.inf
    nowhere = np.zeros(2, bool)
    np.testing.assert_array_equal(weights(log_ratios, nowhere, nowhere)[0], [1.0, 0.0, 0.0])


@pytest.mark.parametrize("actions", ["others", "joint"])
def test_what_follows_an_end_does_not_reach_back(actions):
    """Not even NaN: steps 1 and 2 end, so ratios of steps 2 and 3 appear nowhere."""
    spoilt = LOG_RATIOS.copy()
    spoilt[2:] = np.nan
    np.testing.assert_array_equal(weights(spoilt, actions=actions), weights(actions=actions))


def test_equal_policies_have_weight_one():
    zeros = np.zeros((5, 2, 3), np.float32)
    nowhere = np.zeros((5, 2), bool)
    np.testing.assert_array_equal(weights(zeros, nowhere, nowhere), np.ones((5, 2, 3)))


def test_steps_environments_and_agents_do_not_mix():
    """A square batch, whose axes would be mixed up unnoticed by shape alone."""
    square = np.random.default_rng(1).normal(size=(3, 3, 3)).astype(np.float32)
    ends = np.random.default_rng(2).random((3, 3)) < 0.3
    whole = weights(square, ends, np.zeros_like(ends))
    for environment in range(3):
        alone = weights(square[:, environment], ends[:, environment], np.zeros(3, bool))
        np.testing.assert_allclose(whole[:, environment], alone, rtol=1e-6)


def test_an_unknown_kind_of_actions_is_refused():
    with pytest.raises(ValueError, match=r"^actions must be others or joint; found 'own'$"):
        weights(actions="own")


def test_jit_equals_eager_with_a_traced_limit():
    jitted = jax.jit(estimators.bootstrap_weights, static_argnames="actions")
    found = jitted(LOG_RATIOS, BOUNDARIES, RESAMPLED, limit=1.5)
    np.testing.assert_allclose(found, weights(limit=1.5), rtol=1e-6)
