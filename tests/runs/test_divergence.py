"""The origin of the first number that is not finite, told from experience, metrics and params."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from gpae.environments import ContinuousActions, DiscreteActions, EnvironmentSpec, Observation
from gpae.methods import Steps
from gpae.runs.divergence import find_cause
from gpae.training.state import Rollout, Truncations, Window

SPEC = EnvironmentSpec("test/kiln", 3, 2, 4, DiscreteActions(5), 10, ("hot",))
CONTINUOUS = replace(SPEC, actions=ContinuousActions(2))
SOUND, BROKEN = {"actor": np.ones(3)}, {"actor": np.array([1.0, np.nan, 1.0])}
M, T, E, K = 2, 4, 3, 1


@struct.dataclass
class State:
    """The part of a learner's state that is looked at."""

    window: Window
    params: dict


def observation(*lead):
    return Observation(
        observations=np.ones((*lead, 3, 2)),
        state=np.ones((*lead, 4)),
        available_actions=np.ones((*lead, 3, 5), bool),
        alive=np.ones((*lead, 3), bool),
    )


def state(place=None, value=np.nan, actions=None):
    """A window in which one number of a field is not finite."""
    flags, each = np.zeros((M, T, E), bool), np.zeros((M, T, E, 3))
    steps = Steps(
        observation=observation(M, T, E),
        first=flags,
        actions=each if actions is None else actions,
        log_probs=each,
        rewards=np.zeros((M, T, E)),
        terminated=flags,
        truncated=flags,
        forced=each.astype(bool),
    )
    slots = Truncations(observation=observation(M, K, E), index=np.zeros((M, K, E), int))
    if place == "rewards":
        steps.rewards[1, 2, 0] = value
    elif place == "successor":
        slots.observation.observations[0, 0, 1, 2, 0] = value
    elif place is not None:
        getattr(steps.observation, place)[1, 3, 2, 1] = value
    window = Window(
        rollouts=Rollout(steps=steps, truncations=slots, hidden_states={}), valid=np.ones(M, bool)
    )
    return State(window=window, params=SOUND)


GIVEN = ["estimate/value_mean", "loss/actor", "update/actor_gradient_norm"]


@pytest.mark.parametrize(
    ("place", "origin"),
    [
        ("observations", "the observation of agent 1"),
        ("successor", "the observation of agent 2"),
        ("state", "the global state"),
        ("rewards", "the reward"),
    ],
)
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_the_environment_is_named_where_it_gave_the_number(place, origin, value):
    cause = find_cause(GIVEN, SPEC, BROKEN, state(place, value))
    assert cause.origin == f"first in {origin} that the environment gave"
    assert "learning_rate" not in cause.remedy


def test_a_dead_agent_and_an_agents_reward_are_named():
    dead = state("observations")
    dead.window.rollouts.steps.observation.alive[1, 3, 2, 1] = False
    assert "agent 1, dead then," in find_cause(GIVEN, SPEC, SOUND, dead).origin
    each = state()
    rewards = np.zeros((M, T, E, 3))
    rewards[0, 1, 2, 2] = np.nan
    steps = each.window.rollouts.steps.replace(rewards=rewards)
    each = each.replace(window=each.window.replace(rollouts=Rollout(steps, None, {})))
    cause = find_cause(GIVEN, replace(SPEC, agent_rewards=True), SOUND, each)
    assert cause.origin == "first in the reward of agent 2 that the environment gave"


@pytest.mark.parametrize(
    ("names", "origin"),
    [
        (["update/actor_gradient_norm", "loss/critic", "trace/coefficient"], "the estimates"),
        (["parameters"], "the parameters"),
        (["update/gradient_norm", "q/mean_taken"], "the losses"),
        (["update/actor_gradient_norm"], "the gradients"),
        (["mine/score"], "mine/score"),
    ],
)
def test_without_a_fault_of_the_environment_the_first_stage_is_named(names, origin):
    cause = find_cause(names, SPEC, BROKEN, state())
    assert cause.origin == f"first in {origin}, the observations and rewards kept being finite"
    assert "update.learning_rate" in cause.remedy


def test_what_follows_from_the_policys_own_actions_is_not_the_environments():
    broken = jnp.full((M, T, E, 3, 2), jnp.nan)
    cause = find_cause(GIVEN, CONTINUOUS, BROKEN, state("observations", actions=broken))
    assert cause.origin.startswith("first in the estimates")
    assert "update.learning_rate" in cause.remedy


@pytest.mark.parametrize(
    ("names", "spec", "params", "origin"),
    [
        (["train/hot"], SPEC, SOUND, "the metric 'hot' that the environment gave"),
        (["train/hot", "loss/actor"], SPEC, BROKEN, "the metric 'hot' that the environment gave"),
        (["evaluation/greedy/episode_return"], SPEC, BROKEN, "the reward that the environment"),
        (["train/episode_return", *GIVEN], SPEC, BROKEN, "the reward that the environment gave"),
        (["evaluation/greedy/episode_return"], CONTINUOUS, SOUND, "the reward that the env"),
        (["evaluation/greedy/episode_return"], CONTINUOUS, BROKEN, "the parameters"),
        (["train/episode_return", *GIVEN], CONTINUOUS, BROKEN, "the estimates"),
    ],
)
def test_means_over_episodes_tell_of_a_fault_that_has_left_the_window(names, spec, params, origin):
    assert find_cause(names, spec, params).origin.startswith(f"first in {origin}")
