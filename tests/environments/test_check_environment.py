"""Faults of an environment, each told in one line that names the field, the agent and the step."""

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import pytest

from gpae.environments import (
    ContinuousActions,
    DiscreteActions,
    EnvironmentSpec,
    ForcedStop,
    Observation,
    Step,
    check_environment,
    make,
    task_names,
)
from gpae.errors import UserError

SPEC = EnvironmentSpec("test/kiln", 2, 3, 2, DiscreteActions(3), 8, ("hot",))
DEATH = 4
"""Steps after which agent 1 is dead."""


def unchanged(part, time=None):
    return part


@dataclass(frozen=True)
class Kiln:
    """Two agents for eight steps; agent 1 dies after four. Faults are put in from outside.

    Attributes:
        spec: The spec, true or not.
        spoil_state: Changes the environment's own state after a step.
        spoil_observation: Changes an observation, by the steps made.
        spoil_step: Changes a step, by the steps made.
    """

    spec: EnvironmentSpec = SPEC
    spoil_state: Any = unchanged
    spoil_observation: Any = unchanged
    spoil_step: Any = unchanged

    def reset(self, key):
        state = {"time": jnp.int32(0), "heat": jax.random.uniform(key)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        state = {**state, "time": state["time"] + 1}
        time = state["time"]
        step = Step(
            observation=self.observation(state),
            actions=actions,
            reward=jnp.float32(1.0),
            terminated=jnp.bool_(False),
            truncated=time >= 8,
            outcomes={"hot": state["heat"]},
            forced=jnp.zeros(2, bool),
        )
        return self.spoil_state(state), self.spoil_step(step, time)

    def observation(self, state):
        observation = Observation(
            observations=jnp.full((2, 3), state["heat"]),
            state=jnp.stack([state["heat"], 1.0 * state["time"]]),
            available_actions=jnp.ones((2, 3), bool),
            alive=state["time"] < jnp.array([99, DEATH]),
        )
        return self.spoil_observation(observation, state["time"])


def observed(**fields):
    """Observations with other values of some fields, each a function of the old one and time."""

    def spoil(observation, time):
        new = {name: value(getattr(observation, name), time) for name, value in fields.items()}
        return replace(observation, **new)

    return Kiln(spoil_observation=spoil)


def stepped(spec=SPEC, **fields):
    def spoil(step, time):
        new = {name: value(getattr(step, name), time) for name, value in fields.items()}
        return replace(step, **new)

    return Kiln(spec, spoil_step=spoil)


def nan_where(place, condition):
    """NaN at a place of an array from the time on that a condition names."""
    return lambda array, time: array.at[place].set(
        jnp.where(condition(time), jnp.nan, array[place])
    )


def each(reward, time):
    return jnp.ones(2)


def alone(reward, time):
    return jnp.float32(1.0)


EACH = replace(SPEC, agent_rewards=True)
SHAPED = replace(SPEC, shaped_rewards=True)
NAMES = replace(SPEC, metrics=("hot", "cold"))

SHAPES = [
    (
        stepped(reward=lambda reward, _: jnp.ones(2)),
        "reward after a step is float32[2], and float32[] is expected: set agent_rewards=True",
    ),
    (stepped(EACH), "reward after a step is float32[], and float32[2] is expected: the spec has"),
    (
        stepped(reward=lambda reward, _: reward[None]),
        "reward after a step is float32[1], and float32[] is expected",
    ),
    (
        stepped(reward=lambda reward, _: jnp.int32(1)),
        "reward after a step is int32[], and float32[] is expected",
    ),
    (
        stepped(SHAPED),
        "shaped_reward after a step is of type NoneType, and float32[] is expected",
    ),
    (
        stepped(replace(EACH, shaped_rewards=True), reward=each, shaped_reward=alone),
        "shaped_reward after a step is float32[], and float32[2] is expected",
    ),
    (
        stepped(shaped_reward=alone),
        "a step gives a shaped_reward: set shaped_rewards=True in the spec",
    ),
    (
        Kiln(spoil_state=lambda state: {**state, "time": 1.0 * state["time"]}),
        "the environment's state['time'] is int32[] after a reset and float32[] after a step",
    ),
    (
        Kiln(spoil_state=lambda state: {**state, "cold": jnp.ones(4)}),
        "the environment's state['cold'] is missing after a reset and float32[4] after a step",
    ),
    (
        Kiln(spoil_state=lambda state: {**state, "heat": (state["heat"],)}),
        "the environment's state['heat'] is float32[] after a reset and missing after a step",
    ),
    (
        stepped(
            observation=lambda seen, _: replace(
                seen, observations=seen.observations.astype(jnp.bfloat16)
            )
        ),
        "the observation.observations is float32[2, 3] after a reset and bfloat16[2, 3] after a st",
    ),
    (Kiln(NAMES), "the outcome 'cold' is missing from a step: spec.metrics names it"),
    (Kiln(replace(SPEC, metrics=())), "the outcome 'hot' of a step is not among spec.metrics"),
    (Kiln(replace(SPEC, metrics="hot")), "spec.metrics must be a tuple of names, such as ('hot',)"),
    (
        stepped(outcomes=lambda _, time: {"hot": jnp.ones(2)}),
        "the outcome 'hot' of a step is float32[2], and one number is expected",
    ),
    (
        Kiln(replace(SPEC, observation_size=4)),
        "observations after a reset is float32[2, 3], and numbers[2, 4] is expected",
    ),
    (
        Kiln(replace(SPEC, state_size=1)),
        "state after a reset is float32[2], and numbers[1] is expected",
    ),
    (
        Kiln(replace(SPEC, actions=DiscreteActions(4))),
        "available_actions after a reset is bool[2, 3], and bool[2, 4] is expected",
    ),
    (
        observed(alive=lambda alive, _: 1.0 * alive),
        "alive after a reset is float32[2], and bool[2] is expected",
    ),
    (
        observed(available_actions=lambda mask, _: mask.astype(jnp.int32)),
        "available_actions after a reset is int32[2, 3], and bool[2, 3] is expected",
    ),
    (
        stepped(terminated=lambda _, time: 1.0 * (time > 3)),
        "terminated after a step is float32[], and bool[] is expected",
    ),
    (
        stepped(truncated=lambda truncated, _: truncated[None]),
        "truncated after a step is bool[1], and bool[] is expected",
    ),
    (
        stepped(forced=lambda *_: None),
        "forced after a step is of type NoneType, and bool[2] is expected",
    ),
    (
        stepped(actions=lambda actions, _: 1.0 * actions),
        "actions after a step is float32[2], and int[2] is expected",
    ),
    (
        stepped(observation=lambda seen, _: seen.observations),
        "observation of a step is of type array, and an Observation is expected",
    ),
    (
        Kiln(replace(SPEC, num_agents=0)),
        "spec.num_agents must be a whole number from 1 up, not 0",
    ),
    (
        Kiln(replace(SPEC, max_episode_steps=0)),
        "spec.max_episode_steps must be a whole number from 1 up, or None for no limit, not 0",
    ),
    (
        Kiln(replace(SPEC, actions=3)),
        "spec.actions must be DiscreteActions or ContinuousActions, not 3",
    ),
]
VALUES = [
    (
        observed(observations=nan_where((1, 2), lambda time: time >= DEATH)),
        "observations of agent 1, which is dead there, are not finite after step 4 of an episode",
    ),
    (
        observed(observations=lambda seen, time: seen.at[0, 1].set(jnp.inf)),
        "observations of agent 0 are not finite after a reset",
    ),
    (
        observed(state=nan_where(0, lambda time: time == 3)),
        "state is not finite after step 3 of an episode",
    ),
    (
        stepped(reward=lambda reward, time: jnp.where(time == 7, jnp.inf, reward)),
        "reward is not finite after step 7 of an episode",
    ),
    (
        stepped(EACH, reward=lambda _, time: jnp.array([1.0, jnp.nan])),
        "reward of agent 1 is not finite after step 1 of an episode",
    ),
    (
        stepped(SHAPED, shaped_reward=lambda _, time: jnp.where(time == 2, jnp.nan, 1.0)),
        "shaped_reward is not finite after step 2 of an episode",
    ),
    (
        stepped(outcomes=lambda *_: {"hot": jnp.float32(jnp.nan)}),
        "outcome 'hot' is not finite after step 8 of an episode",
    ),
    (
        observed(
            available_actions=lambda mask, time: mask & ((time < 5) | jnp.eye(2, 1, dtype=bool))
        ),
        "available_actions of agent 1, which is dead there, have no action that it may take after "
        "step 5 of an episode",
    ),
    (
        stepped(terminated=lambda _, time: time >= 8),
        "terminated and truncated are both true after step 8 of an episode",
    ),
    (
        Kiln(replace(SPEC, max_episode_steps=6)),
        "the boundary of max_episode_steps=6 is missing after step 6 of an episode",
    ),
]


def refusal(environment, **options):
    with pytest.raises(UserError) as error:
        check_environment(environment, **options)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize(("environment", "message"), SHAPES, ids=[case[1] for case in SHAPES])
def test_shapes_and_types_are_told_without_a_rollout(environment, message):
    assert refusal(environment, steps=0).startswith(f"test/kiln: {message}")


@pytest.mark.parametrize(("environment", "message"), VALUES, ids=[case[1] for case in VALUES])
def test_values_are_told_with_the_agent_and_the_step(environment, message):
    assert refusal(environment, steps=20) == f"test/kiln: {message}"
    check_environment(environment, steps=0)


def test_only_what_is_learnt_from_counts():
    """Nothing is learnt from what follows a terminated step, nor from outcomes on the way."""

    def spoil(step, time):
        seen = step.observation
        blank = jax.tree.map(lambda leaf: jnp.zeros_like(leaf) / 0, seen.observations)
        last = time >= 8
        return replace(
            step,
            terminated=last,
            truncated=jnp.bool_(False),
            observation=replace(seen, observations=jnp.where(last, blank, seen.observations)),
            outcomes={"hot": jnp.where(last, 1.0, jnp.nan)},
        )

    check_environment(Kiln(spoil_step=spoil))


def test_a_reset_or_step_that_returns_something_else():
    class Gymnast(Kiln):
        def step(self, key, state, actions):
            state, step = super().step(key, state, actions)
            return step.observation, state, step.reward, step.terminated, {}

    assert refusal(Gymnast()) == (
        "test/kiln: step returns (Observation, dict, array, array, dict), and a pair of the "
        "environment's state and a Step is expected"
    )


def test_a_fault_beyond_the_rollout_is_not_found():
    check_environment(Kiln(replace(SPEC, max_episode_steps=6)), steps=5)


def test_sound_environments_pass(countdown):
    check_environment(countdown)
    check_environment(Kiln())
    check_environment(stepped(EACH, reward=lambda *_: jnp.ones(2)))
    check_environment(ForcedStop(countdown, 0.5))


@pytest.mark.parametrize("bounds", [(-1, 1), (-jnp.inf, jnp.inf), (0, jnp.inf), (-3, -2)])
def test_continuous_actions_are_drawn_within_their_bounds(bounds):
    low, high = map(float, bounds)

    def spoil(step, time):
        actions = step.actions
        sound = ((low <= actions) & (actions <= high))[0].all() & (actions[1, 2] == 0)
        return replace(step, reward=jnp.where(sound, 1.0, jnp.nan))

    def mask(mask, time):
        return mask.at[1, 2].set(False)

    spec = replace(SPEC, actions=ContinuousActions(3, low, high))
    spoilt = observed(available_actions=mask)
    check_environment(replace(spoilt, spec=spec, spoil_step=spoil))


FAST = ("jaxmarl/switch_riddle", "jaxmarl/MPE_simple_spread_v3", "smax/3m")


@pytest.mark.slow
@pytest.mark.parametrize(
    "task",
    [
        name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
        for name in task_names()
        if name.startswith(("smax/", "mabrax/", "jaxmarl/"))
    ],
)
def test_the_librarys_own_tasks_pass(task):
    """Shapes and types of all; values of those that compile in little time."""
    check_environment(make(task), steps=30 if task in FAST[:2] else 0)
