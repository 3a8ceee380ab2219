"""Action spaces: sizes and bounds that mean something, and squashing that has two of them."""

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions, EnvironmentSpec
from gpae.errors import UserError
from gpae.methods import Mappo, UpdateSettings
from gpae.networks import NetworkSettings
from gpae.networks.policies import GaussianPolicy
from gpae.training.policy_gradient import make_policy_gradient_learner
from gpae.training.settings import RolloutSettings, WindowSettings


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        (np.nan, 1.0, "must be low < high, not low=nan and high=1.0"),
        (-1.0, np.nan, "must be low < high, not low=-1.0 and high=nan"),
        (1.0, 1.0, "must be low < high, not low=1.0 and high=1.0"),
        (2, -2, "must be low < high, not low=2.0 and high=-2.0"),
        (np.inf, np.inf, "must be low < high, not low=inf and high=inf"),
        (np.array([-1.0, -2.0]), 1.0, "must be one number each for all dimensions, not array("),
        (None, 1.0, "must be one number each for all dimensions, not None and 1.0"),
    ],
)
def test_bounds_that_mean_nothing_are_refused(low, high, message):
    with pytest.raises(UserError) as error:
        ContinuousActions(2, low, high)
    assert str(error.value).startswith(f"the bounds of continuous actions {message}")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("size", [0, -1, 2.0, True, "2"])
def test_a_size_is_a_whole_number_from_1_up(size):
    for kind in (DiscreteActions, ContinuousActions):
        with pytest.raises(UserError, match="must be a whole number from 1 up, not"):
            kind(size)


@pytest.mark.parametrize(
    ("low", "high", "is_bounded"),
    [
        (-1, 1, True),
        (jnp.float32(0.0), np.float64(9.0), True),
        (-np.inf, np.inf, False),
        (-1, np.inf, False),
        (-np.inf, 0, False),
        (-3e38, 3e38, False),
    ],
)
def test_bounds_are_two_numbers_that_may_be_infinite(low, high, is_bounded):
    space = ContinuousActions(2, low, high)
    assert space == ContinuousActions(2, float(low), float(high))
    assert space.is_bounded == is_bounded
    assert type(space.low) is type(space.high) is float


@pytest.mark.parametrize(
    ("low", "high", "carried_out"),
    [(-np.inf, np.inf, [-9.0, 0.0, 9.0]), (-1.0, np.inf, [-1.0, 0.0, 9.0])],
)
def test_actions_are_clipped_to_the_bounds_there_are(low, high, carried_out):
    drawn = jnp.array([[-9.0, 0.0, 9.0]])
    policy = GaussianPolicy(drawn, jnp.zeros((1, 3)), jnp.ones((1, 3), bool), low, high)
    np.testing.assert_array_equal(policy.executed(drawn), [carried_out])
    assert np.isfinite(policy.entropy()).all()


class Drone:
    """An environment of which only the spec is looked at."""

    def __init__(self, low, high):
        self.spec = EnvironmentSpec("mine/drone", 2, 3, 3, ContinuousActions(2, low, high), 10)


def learner(environment, *, squash):
    return make_policy_gradient_learner(
        environment,
        Mappo(),
        NetworkSettings(squash_actions=squash),
        RolloutSettings(),
        WindowSettings(),
        UpdateSettings(),
        discount=0.9,
        total_env_steps=1e6,
    )


@pytest.mark.parametrize("bounds", [(-np.inf, np.inf), (-1.0, np.inf), (-np.inf, 1.0)])
def test_squashing_needs_two_finite_bounds(bounds):
    low, high = bounds
    with pytest.raises(UserError) as error:
        learner(Drone(*bounds), squash=True)
    assert str(error.value) == (
        f"mine/drone has actions from {low:g} to {high:g}, and network.squash_actions=true needs "
        "finite bounds: leave it out"
    )
    learner(Drone(*bounds), squash=False)
    learner(Drone(-2.0, 2.0), squash=True)
