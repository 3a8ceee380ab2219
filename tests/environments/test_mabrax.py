"""MABrax: agents' observations and actions as parts of the body's, and endings of episodes."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import struct

from gpae.environments import (
    ContinuousActions,
    Environment,
    auto_reset_step,
    find_task,
    mabrax,
    make,
    task_names,
)
from gpae.environments.mabrax import Mabrax, MabraxSettings, make_body
from gpae.environments.mabrax_tables import TEAMS, AgentTable, TeamTable
from gpae.errors import UserError

KEY = jax.random.key(0)
TIME_LIMIT = 5
PAIR = TeamTable(
    "stub", 4, 3, (AgentTable("hip", (0, 2, 3), (2, 0)), AgentTable("knee", (1,), (1,)))
)


@struct.dataclass
class StubState:
    obs: jax.Array
    reward: jax.Array
    done: jax.Array
    metrics: dict


class StubBody:
    """Body without physics; its observation is 100, 101, ... and grows by 1000 a step.

    The reward is the sum of the action's components, weighted by their index plus 1; the body falls
    when the first component is -1.
    """

    def __init__(self, table):
        self.observation_size, self.action_size = table.observation_size, table.action_size

    def reset(self, key):
        observation = 100.0 + jnp.arange(self.observation_size)
        return StubState(observation, jnp.zeros(()), jnp.zeros(()), {})

    def step(self, state, action):
        state.metrics["action"] = action
        return state.replace(
            obs=state.obs + 1000.0,
            reward=action @ (1.0 + jnp.arange(self.action_size)),
            done=jnp.where(action[0] == -1.0, 1.0, 0.0),
        )


class CompiledBody:
    """A body of Brax whose reset and step are compiled once for all tests."""

    def __init__(self, body, compile_):
        self.reset, self.step = compile_(body.reset), compile_(body.step)
        self.action_size = body.action_size


@pytest.fixture
def around_stub(monkeypatch):
    """Make the environment of a table around a body without physics."""

    def make_environment(table, **settings):
        monkeypatch.setattr(mabrax, "make_body", lambda name, backend: StubBody(table))
        return Mabrax("mabrax/stub", table, MabraxSettings(**settings))

    return make_environment


@pytest.fixture(scope="module")
def body(quickly_compiled):
    return CompiledBody(make_body("hopper", "positional"), quickly_compiled)


@pytest.fixture(scope="module")
def hopper(body):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mabrax, "make_body", lambda name, backend: body)
        return make("mabrax/hopper-3x1", max_episode_steps=TIME_LIMIT)


def rows(*numbers):
    return jnp.array(numbers, jnp.float32)


def test_the_papers_tasks_are_there():
    assert [name for name in task_names() if name.startswith("mabrax/")] == [
        "mabrax/halfcheetah-6x1",
        "mabrax/ant-8x1",
        "mabrax/ant-4x2",
        "mabrax/walker2d-6x1",
        "mabrax/hopper-3x1",
        "mabrax/humanoid-9|8",
    ]
    ant = find_task("mabrax/ant-4x2")
    assert (ant.num_agents, ant.continuous) == (4, True)
    assert ant.description == "4 agents with 2 joints each"
    assert not find_task("smax/3m").continuous


def test_a_name_that_shells_would_interpret_has_a_plain_alias():
    assert find_task("mabrax/humanoid-9-8") is find_task("mabrax/humanoid-9|8")
    assert "mabrax/humanoid-9-8" not in task_names()


@pytest.mark.parametrize("table", TEAMS.values(), ids=TEAMS)
def test_each_action_dimension_moves_the_joint_it_drives_and_no_other(around_stub, table):
    environment = around_stub(table)
    state, observation = environment.reset(KEY)
    step = jax.jit(lambda actions: environment.step(KEY, state, actions)[1].reward)
    for i, agent in enumerate(table.agents):
        for j in range(environment.spec.actions.size):
            weight = agent.driven[j] + 1 if j < len(agent.driven) else 0
            actions = jnp.zeros_like(observation.available_actions, float).at[i, j].set(0.5)
            assert step(actions) == 0.5 * weight
            assert observation.available_actions[i, j] == (weight > 0)


@pytest.mark.parametrize("table", TEAMS.values(), ids=TEAMS)
def test_agents_see_their_own_indices_then_zeros(around_stub, table):
    _, observation = around_stub(table).reset(KEY)
    np.testing.assert_array_equal(observation.state, 100 + np.arange(table.observation_size))
    for agent, seen in zip(table.agents, np.asarray(observation.observations), strict=True):
        size = len(agent.observed)
        np.testing.assert_array_equal(seen[:size], 100 + np.array(agent.observed))
        np.testing.assert_array_equal(seen[size:], 0)
    assert observation.alive.all()


def test_action_dimensions_without_a_joint_are_masked_and_have_no_effect(around_stub):
    environment = around_stub(PAIR)
    state, observation = environment.reset(KEY)
    assert environment.spec.actions == ContinuousActions(2, -1.0, 1.0)
    np.testing.assert_array_equal(observation.available_actions, [[True, True], [True, False]])
    _, step = environment.step(KEY, state, rows([0.1, 0.2], [0.3, 0.4]))
    _, other = environment.step(KEY, state, rows([0.1, 0.2], [0.3, -0.9]))
    np.testing.assert_allclose(step.reward, 3 * 0.1 + 1 * 0.2 + 2 * 0.3, rtol=1e-6)
    np.testing.assert_array_equal(other.reward, step.reward)
    np.testing.assert_array_equal(other.observation.state, step.observation.state)


def test_actions_are_clipped_to_the_bounds_and_reported_as_given(around_stub):
    environment = around_stub(PAIR)
    state, _ = environment.reset(KEY)
    asked = rows([7.0, -0.5], [-3.0, 0.0])
    _, step = environment.step(KEY, state, asked)
    np.testing.assert_array_equal(step.actions, asked)
    np.testing.assert_allclose(step.reward, 3 * 1.0 + 1 * -0.5 + 2 * -1.0, rtol=1e-6)


def test_stepping_leaves_the_given_state_as_it_was(around_stub):
    environment = around_stub(PAIR)
    state, _ = environment.reset(KEY)
    successor, _ = environment.step(KEY, state, jnp.zeros((2, 2)))
    assert state.body.metrics == successor.body.metrics == {}
    assert jax.tree.structure(state) == jax.tree.structure(successor)


def test_resetting_keeps_the_true_last_observation(around_stub):
    environment = around_stub(PAIR, max_episode_steps=2)
    state, observation = environment.reset(KEY)
    start = np.asarray(observation.state)
    ends = []
    for hip, age in ((0.0, 1), (0.0, 2), (-1.0, 1)):
        actions = rows([0.0, hip], [0.0, 0.0])
        state, observation, step = auto_reset_step(environment, KEY, state, actions)
        ends.append((bool(step.terminated), bool(step.truncated)))
        np.testing.assert_array_equal(step.observation.state, start + 1000 * age)
        np.testing.assert_array_equal(
            observation.state, start if step.boundary else step.observation.state
        )
    assert ends == [(False, False), (False, True), (True, False)]


def test_a_fall_at_the_time_limit_is_a_termination_only(around_stub):
    environment = around_stub(PAIR, max_episode_steps=1)
    state, _ = environment.reset(KEY)
    _, step = environment.step(KEY, state, rows([0.0, -1.0], [0.0, 0.0]))
    assert (bool(step.terminated), bool(step.truncated)) == (True, False)


def test_a_body_of_other_sizes_than_its_table_is_refused(monkeypatch):
    monkeypatch.setattr(mabrax, "make_body", lambda name, backend: StubBody(PAIR))
    message = "gives stub an observation of size 4, but its table was made for 5"
    with pytest.raises(UserError, match=message):
        Mabrax("mabrax/stub", TeamTable("stub", 5, 3, PAIR.agents))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"backend": "fast"}, "backend must be one of positional, spring, generalized, mjx"),
        ({"max_episode_steps": 0}, "max_episode_steps must be a whole number from 1 up, not 0"),
        ({"max_episode_steps": 2.5}, "max_episode_steps must be a whole number from 1 up"),
        ({"horizon": 5}, "mabrax/hopper-3x1 has no setting 'horizon'; it has backend"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, message):
    with pytest.raises(UserError, match=message):
        make("mabrax/hopper-3x1", **settings)


@pytest.mark.slow
def test_the_team_return_is_the_bodys_own(hopper, body):
    state, observation = hopper.reset(KEY)
    alone = body.reset(KEY)
    np.testing.assert_array_equal(observation.state, alone.obs)
    team_return = body_return = 0.0
    for actions in jax.random.uniform(jax.random.key(1), (50, 3, 1), minval=-1.3, maxval=1.3):
        state, step = hopper.step(KEY, state, actions)
        alone = alone.replace(metrics={}, done=jnp.zeros(()))
        alone = body.step(alone, jnp.clip(actions[:, 0], -1.0, 1.0))
        team_return, body_return = team_return + step.reward, body_return + alone.reward
        np.testing.assert_array_equal(step.observation.state, alone.obs)
    assert team_return == body_return
    assert team_return > 25.0


@pytest.mark.slow
def test_the_time_limit_truncates(hopper):
    state, _ = hopper.reset(KEY)
    ends = []
    for _ in range(TIME_LIMIT):
        state, step = hopper.step(KEY, state, jnp.zeros((3, 1)))
        ends.append((bool(step.terminated), bool(step.truncated)))
    assert ends == [(False, False)] * (TIME_LIMIT - 1) + [(False, True)]


@pytest.mark.slow
def test_falling_terminates_and_does_not_truncate(hopper):
    state, _ = hopper.reset(KEY)
    fallen = False
    for _ in range(30):
        state, step = hopper.step(KEY, state, jnp.full((3, 1), -1.0, jnp.float32))
        fallen |= bool(step.terminated)
        leaning = abs(step.observation.state[1]) >= 0.2
        assert step.terminated == leaning
        assert not (step.terminated & step.truncated)
    assert fallen


def test_a_step_draws_nothing_from_its_key(hopper):
    state, _ = hopper.reset(KEY)
    asked = jnp.full((3, 1), 0.3, jnp.float32)
    one = hopper.step(KEY, state, asked)
    other = hopper.step(jax.random.key(9), state, asked)
    jax.tree.map(np.testing.assert_array_equal, one, other)


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["positional", "spring", "generalized", "mjx"])
def test_types_do_not_change_from_reset_to_step(backend):
    environment = make("mabrax/hopper-3x1", backend=backend)
    assert isinstance(environment, Environment)
    state, observation = jax.eval_shape(environment.reset, KEY)
    successor, step = jax.eval_shape(environment.step, KEY, state, jnp.zeros((3, 1)))
    assert jax.tree.leaves(successor) == jax.tree.leaves(state)
    assert jax.tree.leaves(step.observation) == jax.tree.leaves(observation)


@pytest.mark.slow
def test_listing_imports_no_simulator_and_making_is_silent(tmp_path):
    script = """
import sys
import gpae.environments as environments
assert "mabrax/ant-8x1" in environments.task_names()
assert not {"brax", "mujoco"} & set(sys.modules)
environments.make("mabrax/halfcheetah-6x1")
assert "brax" in sys.modules
"""
    command = [sys.executable, "-W", "error::UserWarning", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert list(tmp_path.iterdir()) == []
