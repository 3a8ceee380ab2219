"""Environments on the host: one call for all, row by row what the game itself says."""

import sys
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium import spaces

from gpae.environments import ForcedStop, auto_reset_step, check_environment, find_task, make
from gpae.environments.gymnasium_team import GymnasiumTeam
from gpae.environments.host import _seed, beside, host_failures, is_on_host
from gpae.environments.pettingzoo_spaces import TeamSpaces
from gpae.errors import UserError

TASK = "pettingzoo/relay"
ENVIRONMENTS, STEPS = 4, 9


@pytest.fixture(scope="module", autouse=True)
def relay():
    """The game as a module that can be imported by its name."""
    folder = str(Path(__file__).parent)
    sys.path.insert(0, folder)
    import relay as module

    yield module
    sys.path.remove(folder)
    del sys.modules["relay"]


@pytest.fixture(scope="module")
def played():
    """Episodes side by side, in one compiled scan: what was acted on, and the steps."""
    environment = make(TASK)

    def advance(carry, key):
        state, observation = carry
        odds = jnp.where(observation.available_actions, 0.0, -jnp.inf)
        actions = jax.random.categorical(key, odds)
        keys = jax.random.split(jax.random.fold_in(key, 1), ENVIRONMENTS)
        step = jax.vmap(partial(auto_reset_step, environment))
        state, following, step = step(keys, state, actions)
        return (state, following), (observation, step, jax.vmap(_seed)(keys))

    @jax.jit
    def play(key):
        keys = jax.random.split(key, ENVIRONMENTS)
        begun = jax.vmap(environment.reset)(keys)
        return jax.vmap(_seed)(keys), jax.lax.scan(advance, begun, jax.random.split(key, STEPS))[1]

    seeds, (acted_on, steps, later) = jax.device_get(play(jax.random.key(3)))
    return environment, seeds, acted_on, steps, later


def test_every_number_is_that_of_its_own_agent_environment_and_step(played, relay):
    _, seeds, acted_on, steps, later = played
    for number in range(ENVIRONMENTS):
        game, seed = relay.parallel_env(), int(seeds[number])
        seen, _ = game.reset(seed=seed)
        for time in range(STEPS):
            rows = acted_on.observations[time, number]
            np.testing.assert_array_equal(rows[2], np.arange(1, 7) == game.time + 1)
            np.testing.assert_array_equal(acted_on.state[time, number], game.state())
            np.testing.assert_allclose(rows[0], [*np.float32(seen["a"]), 0, 0, 0, 0])
            alive = acted_on.alive[time, number]
            if alive[1]:
                np.testing.assert_allclose(rows[1, :3], np.float32(seen["b"]).ravel())
            assert [agent for agent, one in zip("abc", alive, strict=True) if one] == game.agents
            actions = steps.actions[time, number] + np.array([0, 0, 1])
            orders = dict(zip("abc", actions, strict=True))
            seen, rewards, gone, cut, _ = game.step({each: orders[each] for each in game.agents})
            assert steps.reward[time, number] == sum(rewards.values())
            assert steps.terminated[time, number] == all(gone.values())
            assert steps.truncated[time, number] == all(cut.values())
            np.testing.assert_array_equal(steps.observation.state[time, number], game.state())
            if not game.agents:
                seen, _ = game.reset(seed=int(later[time, number]))
    assert steps.terminated.any()
    assert steps.truncated.any()


def test_one_that_has_left_sees_nothing_and_has_one_action(played):
    _, _, _, steps, _ = played
    inside = ~steps.boundary
    gone = inside & ~steps.observation.alive[..., 1]
    assert gone.any()
    later = np.zeros_like(gone)
    later[1:] = gone[1:] & gone[:-1]
    assert not steps.observation.observations[later][:, 1].any()
    first = np.arange(4) == 0
    assert (steps.observation.available_actions[gone][:, 1] == first).all()
    assert (steps.actions[1:][gone[:-1]][:, 1] == 0).all()


def test_masks_are_those_of_the_information_and_of_the_agents_own_sizes(played):
    _, _, acted_on, _, _ = played
    time = np.round(acted_on.state[..., 1]).astype(int)
    masks = acted_on.available_actions
    assert (masks[..., 0, :] == [True, True, False, False]).all()
    assert (masks[..., 2, 3] == (time % 2 == 0)).all()


def test_where_time_alone_ends_an_episode_its_agents_could_go_on(played):
    _, _, _, steps, _ = played
    assert steps.observation.alive[steps.truncated][:, [0, 2]].all()
    assert not steps.observation.alive[steps.terminated].any()


def test_the_spec_states_the_largest_agents_sizes(played):
    environment, *_ = played
    spec = environment.spec
    assert (spec.num_agents, spec.observation_size, spec.state_size) == (3, 6, 2)
    assert (spec.actions.size, spec.max_episode_steps, spec.early_truncation) == (4, None, True)
    assert is_on_host(environment)
    assert beside(environment) is not environment
    check_environment(beside(environment), steps=12)


def test_an_episode_that_ended_stays_where_it_is_until_all_are_reset():
    environment = make(TASK, reward="agents")
    step = jax.vmap(environment.step)
    state, _ = jax.vmap(environment.reset)(jax.random.split(jax.random.key(0), 3))
    actions = jnp.zeros((3, 3), jnp.int32)
    keys = jax.random.split(jax.random.key(1), 3)
    ends = []
    for _ in range(6):
        state, taken = step(keys, state, actions)
        ends.append(taken)
    np.testing.assert_array_equal(ends[-1].observation.state, ends[3].observation.state)
    assert ends[-1].boundary.all()
    assert not ends[-1].reward.any()
    np.testing.assert_array_equal(ends[0].reward, [[0, 0, 100]] * 3)
    _, begun = jax.vmap(environment.reset)(keys)
    assert not begun.state[:, 1].any()


def test_rewards_are_shared_or_not_a_number():
    for alike, expected in ((True, 1.0), (False, np.nan)):
        environment = make(TASK, reward="shared", arguments={"alike": alike})
        state, _ = environment.reset(jax.random.key(0))
        _, step = environment.step(jax.random.key(0), state, jnp.array([1, 1, 1]))
        np.testing.assert_equal(float(step.reward), expected)


def test_an_episode_cannot_be_gone_back_to():
    environment = make(TASK)
    state, _ = environment.reset(jax.random.key(0))
    actions = jnp.zeros(3, jnp.int32)
    jax.block_until_ready(environment.step(jax.random.key(0), state, actions))
    with pytest.raises(Exception, match="cannot be gone back to"):
        jax.block_until_ready(environment.step(jax.random.key(0), state, actions))


def test_a_failure_of_the_games_own_code_is_one_line(relay, monkeypatch):
    environment = make(TASK)
    state, _ = environment.reset(jax.random.key(0))

    def fail(self, actions):
        raise ValueError("no ball\n on the field")

    monkeypatch.setattr(relay.Relay, "step", fail)
    line = f"^{TASK}: its own code failed: ValueError: no ball on the field$"
    with pytest.raises(UserError, match=line), host_failures():
        jax.block_until_ready(environment.step(jax.random.key(0), state, jnp.array([0, 0, 0])))


class Spaces:
    """A team of two with the same spaces."""

    def __init__(self, seen, acts):
        self.possible_agents, self.seen, self.acts = ["x", "y"], seen, acts

    def observation_space(self, agent):
        return self.seen

    def action_space(self, agent):
        return self.acts


BOX, TWO = spaces.Box(0, 1, (2,)), spaces.Discrete(2)


@pytest.mark.parametrize(
    ("seen", "acts", "message"),
    [
        (BOX, spaces.MultiDiscrete([2, 2]), "game: the actions must be all Discrete or all Box"),
        (BOX, spaces.Box(-np.inf, 1, (2,)), "dimension 0 of its Box is from -inf to 1"),
        (spaces.MultiDiscrete([2, 2]), TWO, "the observation of x is of the space MultiDiscrete"),
        (spaces.Dict(a=BOX, b=BOX), TWO, "a dictionary of a, b, and observation and action_mask"),
    ],
)
def test_spaces_that_do_not_fit_are_refused_in_one_line(seen, acts, message):
    with pytest.raises(UserError, match=message):
        TeamSpaces.of(Spaces(seen, acts), "game")


def test_images_keep_their_pixels_and_dictionaries_their_observation():
    pixels = spaces.Box(0, 255, (4, 5, 3), np.uint8)
    masked = spaces.Dict(observation=pixels, action_mask=spaces.MultiBinary(2))
    team = TeamSpaces.of(Spaces(masked, TWO), "game")
    assert (team.image, team.dtype, team.observation_size) == ((4, 5, 3), np.uint8, 60)
    seen = {"observation": np.arange(60, dtype=np.uint8).reshape(4, 5, 3), "action_mask": None}
    np.testing.assert_array_equal(team.row(1, seen), np.arange(60))


def test_continuous_actions_are_mapped_to_each_bound():
    team = TeamSpaces.of(Spaces(BOX, spaces.Box(np.float32([0, -4]), np.float32([1, 4]))), "g")
    np.testing.assert_allclose(team.order(0, np.array([0.0, 9.0, 0.5])), [0.5, 4.0])
    assert (team.actions.size, team.actions.low, team.actions.high) == (2, -1.0, 1.0)


class Pair:
    """A Gymnasium environment of two agents."""

    observation_space = spaces.Tuple((BOX, BOX))
    action_space = spaces.Tuple((TWO, TWO))

    def reset(self, seed):
        return (np.zeros(2), np.ones(2)), {}

    def step(self, actions):
        return (np.zeros(2), np.ones(2)), [actions[0], 5.0], actions[0] == 1, False, {}


def test_a_gymnasium_team_has_the_parallel_interface():
    game = GymnasiumTeam(Pair(), "gymnasium/Pair")
    seen, _ = game.reset(seed=0)
    np.testing.assert_array_equal(seen[1], np.ones(2))
    _, rewards, terminated, truncated, _ = game.step({0: 1, 1: 0})
    assert (rewards, terminated, truncated) == ({0: 1.0, 1: 5.0}, {0: True, 1: True}, {0: 0, 1: 0})
    assert game.agents == []
    with pytest.raises(UserError, match="gymnasium/CartPole-v1 is no team: its observation and"):
        make("gymnasium/CartPole-v1")


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        ("pettingzoo/no_such_module", {}, "there is no module no_such_module"),
        ("pettingzoo/json", {}, "the module json has no parallel_env"),
        (TASK, {"arguments": {"error": "too big"}}, "pettingzoo/relay cannot be made: too big"),
        (TASK, {"reward": "all"}, "reward must be one of sum, mean, shared, agents, not 'all'"),
        (TASK, {"arguments": 3}, "arguments must be a mapping, not 3"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(task, settings, message):
    with pytest.raises(UserError, match=message):
        make(task, **settings)


def test_a_state_that_there_is_not_is_refused(relay, monkeypatch):
    monkeypatch.delattr(relay.Relay, "state")
    with pytest.raises(UserError, match="no global state of its own: use state=observations"):
        make(TASK, state="environment")
    assert make(TASK).spec.state_size == 3 * 6


def test_the_anomaly_is_refused():
    with pytest.raises(UserError, match=f"and the episodes of {TASK} run outside JAX"):
        ForcedStop(make(TASK), action=1)


def test_a_module_is_a_task_of_its_own():
    task = find_task("pettingzoo/mpe2.simple_spread_v3")
    assert (task.extra, task.is_of_library) == ("pettingzoo", False)
