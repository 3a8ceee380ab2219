"""Simulated credit against the exact lab, and its axes, masks, horizons and standard errors."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae import exact
from gpae.credit import CreditStates, true_credit
from gpae.environments import (
    ContinuousActions,
    EnvironmentSpec,
    ForcedStop,
    Observation,
    Step,
)
from gpae.environments.wrappers import ForcedStopState
from gpae.networks import GaussianPolicy


@pytest.fixture(scope="module")
def measured(lab, table_policy):
    return true_credit(
        lab.environment,
        table_policy,
        jnp.asarray(lab.policy),
        lab.states,
        discount=lab.game.discount,
        repetitions=64,
    )


def scores(measured, exactly):
    return (measured.mean - exactly) / measured.standard_error


def test_values_and_advantages_lie_within_their_standard_errors(lab, measured):
    joint_action, expected, values = lab.truth()
    z = {
        "Q": scores(measured.joint_action_values, joint_action),
        "EQ": scores(measured.expected_values, expected),
        "V": scores(measured.state_values, values),
        "A": scores(measured.advantages, joint_action[:, None] - expected),
    }
    for name, each in z.items():
        assert np.abs(each).max() < 5, name
        assert 0.7 < (each**2).mean() < 1.4, name


def test_alternatives_of_an_agent_lie_within_their_standard_errors(lab, measured):
    table = exact.action_values(lab.game, lab.policy)
    joint = np.repeat(lab.actions[:, None, None], 3, axis=1).repeat(3, axis=2)
    for agent in range(3):
        joint[:, agent, :, agent] = np.arange(3)
    truth = table[lab.places[:, None, None], joint[..., 0], joint[..., 1], joint[..., 2]]
    assert np.abs(scores(measured.own_action_values, truth)).max() < 5


def test_standard_errors_shrink_with_the_square_root_of_the_repetitions(
    lab, table_policy, measured
):
    few = true_credit(
        lab.environment,
        table_policy,
        jnp.asarray(lab.policy),
        lab.states,
        discount=lab.game.discount,
        repetitions=16,
    )
    ratios = few.advantages.standard_error / measured.advantages.standard_error
    assert 1.8 < ratios.mean() < 2.2


def test_common_random_numbers_pay(measured):
    """The paired difference varies less than two independent values would."""
    independent = np.hypot(
        measured.joint_action_values.standard_error[:, None],
        measured.expected_values.standard_error,
    )
    assert measured.advantages.standard_error.mean() < 0.9 * independent.mean()


def test_nothing_depends_on_the_number_of_rows_a_call(lab, table_policy):
    both = [
        true_credit(
            lab.environment,
            table_policy,
            jnp.asarray(lab.policy),
            lab.states[:5],
            discount=lab.game.discount,
            repetitions=3,
            rows=rows,
        )
        for rows in (1, 40)
    ]
    for name in ("joint_action_values", "expected_values", "state_values", "own_action_values"):
        one, other = (getattr(each, name).mean for each in both)
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_states_agents_and_alternatives_keep_their_places(tagged):
    make, actor, states_at = tagged
    tags, actions = np.arange(5), np.array([[0, 1, 0], [2, 0, 0], [1, 1, 2], [0, 0, 0], [2, 1, 1]])
    environment = make()
    states = states_at(environment, tags, actions, np.arange(5))
    found = true_credit(environment, actor, None, states, discount=0.9, repetitions=2, rows=25)
    worth = np.array([100, 10, 1])
    taken = 1000 * tags + actions @ worth
    np.testing.assert_array_equal(found.joint_action_values.mean, taken)
    other = taken[:, None, None] + worth[:, None] * (np.arange(3) - actions[..., None])
    other = np.where(np.asarray(states.observation.available_actions), other, np.nan)
    np.testing.assert_array_equal(found.own_action_values.mean, other)
    assert (found.advantages.standard_error == 0).all()


def test_an_agent_without_a_choice_has_no_advantage(tagged):
    make, actor, states_at = tagged
    states = states_at(make(), [1, 2], [[1, 1, 0], [1, 1, 0]], [0, 0])
    found = true_credit(make(), actor, None, states, discount=0.9, repetitions=2)
    np.testing.assert_array_equal(found.acting, [[True, True, False], [True, True, True]])
    assert found.advantages.mean[0, 2] == 0
    assert np.isnan(found.own_action_values.mean[0, 2, 1:]).all()


def test_hidden_states_go_on_from_those_of_each_state(tagged):
    """The counting policy shows in the later reward which hidden state it went on from."""
    make, actor, states_at = tagged
    counts, environment = np.array([0, 2, 3, 5, 2]), make(length=2)
    states = states_at(environment, [2] * 5, [[2, 1, 0]] * 5, counts)
    found = true_credit(environment, actor, None, states, discount=0.5, repetitions=2)
    later = 2000 + 111 * ((counts + 1) % 3)
    np.testing.assert_array_equal(found.joint_action_values.mean, 2210 + 0.5 * later)


def test_a_time_limit_is_passed_or_ends_the_value(tagged):
    make, actor, states_at = tagged
    environment = make(length=4, limit=2)
    states = states_at(environment, [1], [[0, 0, 0]], [2])
    play = {
        how: true_credit(
            environment, actor, None, states, discount=0.5, repetitions=2, **how_long
        ).joint_action_values.mean[0]
        for how, how_long in {
            "continue": {},
            "stop": {"at_time_limit": "stop"},
            "three steps": {"horizon": 3},
        }.items()
    }
    steps = [1000, 1000, 1110]
    assert play["stop"] == 1000 + 0.5 * 1000
    assert play["three steps"] == sum(0.5**t * pay for t, pay in enumerate(steps))
    assert play["continue"] > play["three steps"] + 0.125 * 1199


def test_episodes_that_the_horizon_cuts_off_are_counted(tagged):
    make, actor, states_at = tagged
    states = states_at(make(length=4), [1], [[0, 0, 0]], [2])
    cut = [
        true_credit(make(length=4), actor, None, states, discount=0.5, repetitions=2, horizon=h)
        for h in (3, 4)
    ]
    assert [each.cut_off > 0 for each in cut] == [True, False]


def test_a_forced_stop_replaces_no_given_action(tagged):
    make, actor, states_at = tagged
    environment = ForcedStop(make(), probability=1.0, action=0)
    states = states_at(environment.environment, [2, 4], [[2, 1, 1], [1, 1, 2]], [0, 0])
    alive = states.observation.alive
    states = dataclasses.replace(
        states, environment_state=ForcedStopState(states.environment_state, alive)
    )
    found = true_credit(environment, actor, None, states, discount=0.9, repetitions=2)
    np.testing.assert_array_equal(found.joint_action_values.mean, [2211, 4112])


def test_samples_of_continuous_actions_give_the_expectation():
    """One step that pays the squared sum of the actions: EQ^i has a closed form."""
    environment, actor = Squares(), FixedGaussian()
    actions = jnp.array([[[0.5], [-1.0]], [[2.0], [0.3]]])
    states = CreditStates(
        environment_state=jnp.zeros(2),
        observation=jax.vmap(lambda _: environment.observation())(jnp.zeros(2)),
        first=jnp.zeros(2, bool),
        hidden_states={"actor": ()},
        actions=actions,
        forced=jnp.zeros((2, 2), bool),
    )
    found = true_credit(environment, actor, None, states, discount=0.9, repetitions=256)
    total = actions.sum((1, 2))
    np.testing.assert_allclose(found.joint_action_values.mean, total**2, rtol=1e-6)
    others = actions[:, ::-1, 0]
    expected = (MEANS + others) ** 2 + 0.25
    assert found.own_action_values is None
    assert np.abs(scores(found.expected_values, np.asarray(expected))).max() < 5
    value = MEANS.sum() ** 2 + 2 * 0.25
    assert np.abs(scores(found.state_values, value)).max() < 5


MEANS = np.array([0.7, -0.2])


@dataclasses.dataclass(frozen=True)
class FixedGaussian:
    def apply(self, params, hidden_state, observations, available_actions, resets):
        del params, resets
        mean = jnp.broadcast_to(jnp.asarray(MEANS)[:, None], available_actions.shape)
        log_std = jnp.full(mean.shape, np.log(0.5))
        return hidden_state, GaussianPolicy(mean, log_std, available_actions, -9.0, 9.0)


@dataclasses.dataclass(frozen=True)
class Squares:
    spec = EnvironmentSpec("test/squares", 2, 1, 1, ContinuousActions(1, -9.0, 9.0), 1)

    def step(self, key, state, actions):
        del key
        return state, Step(
            observation=self.observation(),
            actions=actions,
            reward=actions.sum() ** 2,
            terminated=jnp.array(True),
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self):
        return Observation(
            observations=jnp.zeros((2, 1)),
            state=jnp.zeros(1),
            available_actions=jnp.ones((2, 1), bool),
            alive=jnp.ones(2, bool),
        )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"repetitions": 1}, "repetitions"),
        ({"at_time_limit": "bootstrap"}, "at_time_limit"),
        ({"discount": 1.0}, "discount"),
    ],
)
def test_wrong_arguments_are_named(tagged, wrong, message):
    make, actor, states_at = tagged
    states = states_at(make(), [1], [[0, 0, 0]], [0])
    arguments = {"discount": 0.9, "repetitions": 2, **wrong}
    with pytest.raises(ValueError, match=message):
        true_credit(make(), actor, None, states, **arguments)
