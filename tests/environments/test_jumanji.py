"""Jumanji's teams through the adapter: its own transitions, and time limits kept apart."""

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import find_task, make
from gpae.environments.jumanji_games import GAMES, SCENARIOS
from gpae.errors import UserError

pytest.importorskip("jumanji", reason="needs the extra jumanji", exc_type=ImportError)

SHORT = {
    # family: settings for a small world and short episodes
    "rware": {"shelf_rows": 1, "shelf_columns": 3, "column_height": 1, "num_agents": 2}
    | {"request_queue_size": 1, "max_steps": 6},
    "lbf": {"grid_size": 5, "fov": 5, "num_food": 1, "max_steps": 6},
    "connector": {"grid_size": 5, "num_agents": 3, "max_steps": 6},
    "cleaner": {"grid_size": 3, "num_agents": 2, "max_steps": 6},
}
ENVIRONMENTS, STEPS = 16, 8


@pytest.fixture(scope="module")
def played(quickly_compiled):
    """A family's transitions by random actions, and Jumanji's own, with its own time limit."""

    @cache
    def play(family):
        environment = make(f"jumanji/{family}", **SHORT[family])
        settings = find_task(f"jumanji/{family}").settings(**SHORT[family])
        raw = GAMES[family].make(settings, settings.max_steps)

        def advance(carry, key):
            state, observation = carry
            actions = jax.random.categorical(
                key, jnp.where(observation.available_actions, 0.0, -jnp.inf)
            )
            theirs = raw.step(state, actions)
            state, step = environment.step(key, state, actions)
            return (state, step.observation), (step, theirs)

        def episode(key):
            begun = environment.reset(key)
            return begun, jax.lax.scan(advance, begun, jax.random.split(key, STEPS))[1]

        keys = jax.random.split(jax.random.key(1), ENVIRONMENTS)
        return environment, *quickly_compiled(jax.vmap(episode, out_axes=(0, 1)))(keys)

    return play


families = pytest.mark.parametrize("family", SHORT)


@pytest.mark.slow
@families
def test_a_step_is_jumanjis_own(family, played):
    _, _, (step, (_, theirs)) = played(family)
    rewards = np.asarray(theirs.reward)
    expected = rewards.sum(-1) if rewards.ndim == 3 else rewards
    np.testing.assert_allclose(step.reward, expected, rtol=1e-6)
    np.testing.assert_array_equal(
        step.observation.available_actions, theirs.observation.action_mask
    )
    np.testing.assert_array_equal(step.boundary, theirs.last())


@pytest.mark.slow
@families
def test_time_alone_truncates_and_nothing_is_reset(family, played):
    _, _, (step, (states, theirs)) = played(family)
    assert step.truncated.any()
    assert not (step.truncated & step.terminated).any()
    limit = SHORT[family]["max_steps"]
    assert not step.truncated[: limit - 1].any()
    assert (step.truncated[limit - 1] | step.terminated[limit - 1]).all()
    if family in ("lbf", "connector"):  # Jumanji keeps both apart itself
        over = np.asarray(theirs.discount).max(-1) == 0
        np.testing.assert_array_equal(step.terminated, theirs.last() & over)
    np.testing.assert_array_equal(states.step_count, np.arange(1, STEPS + 1)[:, None] + [0] * 16)


@pytest.mark.slow
@families
def test_sizes_are_those_of_the_spec(family, played):
    environment, (_, observation), _ = played(family)
    spec = environment.spec
    assert observation.observations.shape == (ENVIRONMENTS, spec.num_agents, spec.observation_size)
    assert observation.state.shape == (ENVIRONMENTS, spec.state_size)
    assert spec.max_episode_steps == SHORT[family]["max_steps"]
    assert (spec.observation_shape is None) == (family in ("rware", "lbf"))


@pytest.mark.slow
def test_vectors_are_jumanjis_views_agent_by_agent(played):
    for family in ("rware", "lbf"):
        _, _, (step, (states, theirs)) = played(family)
        views = np.asarray(theirs.observation.agents_view, np.float32)
        np.testing.assert_array_equal(step.observation.observations, views)
        if family == "rware":
            row = views.reshape(*step.reward.shape, -1)
            shelves = np.asarray(states.grid[..., 0, :, :] > 0).sum((-1, -2))
            floor = step.observation.state[..., row.shape[-1] :]
            np.testing.assert_array_equal(step.observation.state[..., : row.shape[-1]], row)
            np.testing.assert_array_equal((floor == 2).sum(-1), 1)
            assert ((floor > 0).sum(-1) == shelves).all()


@pytest.mark.slow
def test_each_agent_of_connector_sees_its_own_apart(played):
    environment, _, (step, (states, _)) = played("connector")
    shape = (*step.reward.shape, 3, *environment.spec.observation_shape)
    images = np.asarray(step.observation.observations).reshape(shape)
    world = np.asarray(step.observation.state).reshape(
        *step.reward.shape, *environment.spec.state_shape
    )
    grid = np.asarray(states.grid)
    for agent in range(3):
        for kind in range(3):
            own = grid == 3 * agent + kind + 1
            everyone = (grid > 0) & ((grid - 1) % 3 == kind)
            np.testing.assert_array_equal(images[:, :, agent, :, :, kind], own)
            np.testing.assert_array_equal(images[:, :, agent, :, :, 3 + kind], everyone & ~own)
            np.testing.assert_array_equal(world[..., 3 * agent + kind], own)


@pytest.mark.slow
def test_each_agent_of_cleaner_sees_where_it_is(played):
    environment, _, (step, (states, _)) = played("cleaner")
    shape = (*step.reward.shape, 2, *environment.spec.observation_shape)
    images = np.asarray(step.observation.observations).reshape(shape)
    places = np.asarray(states.agents_locations)
    time, number = np.indices(step.reward.shape)
    for agent in range(2):
        own, count = images[:, :, agent, :, :, 3], images[:, :, agent, :, :, 2]
        assert (own.sum((-1, -2)) == 1).all()
        assert (count.sum((-1, -2)) == 2).all()
        rows, columns = places[:, :, agent, 0], places[:, :, agent, 1]
        assert (own[time, number, rows, columns] == 1).all()
    dirty = np.asarray(states.grid == 0).mean((-1, -2)) / (states.grid != 2).mean((-1, -2))
    np.testing.assert_allclose(step.outcomes["cleaned"], 1 - dirty, atol=1e-6)


@pytest.mark.slow
def test_blocked_and_connected_agents_are_not_alive(played):
    _, _, (step, _) = played("connector")
    can_move = np.asarray(step.observation.available_actions)[..., 1:].any(-1)
    np.testing.assert_array_equal(step.observation.alive, can_move)
    assert not can_move.all()


@pytest.mark.slow
def test_agents_may_have_rewards_of_their_own():
    spec = make("jumanji/lbf", reward="agents", observation="grid").spec
    assert spec.agent_rewards
    assert (spec.observation_shape, spec.observation_size) == ((17, 17, 3), 17 * 17 * 3)


def test_scenarios_have_defaults_of_their_own_and_all_settings():
    task = find_task("jumanji/rware-tiny-2ag")
    assert (task.num_agents, task.settings().shelf_rows, task.settings().max_steps) == (2, 1, 500)
    assert set(task.setting_names) == set(find_task("jumanji/rware").setting_names)
    assert {name.partition("-")[0] for name in SCENARIOS} == set(GAMES)


@pytest.mark.parametrize(
    ("family", "settings", "message"),
    [
        ("rware", {"shelf_columns": 2}, "shelf_columns must be an odd number, not 2"),
        ("rware", {"shelf_columns": 1, "column_height": 1}, "cannot make a world of these sizes"),
        ("lbf", {"fov": 9}, "fov=9 must be at most grid_size=8"),
        ("lbf", {"num_food": 9}, "grid_size=8 is too small for 2 agents and 9 foods"),
        ("lbf", {"reward": "own"}, "reward must be one of sum, mean, agents, not 'own'"),
        ("connector", {"grid_size": 4}, "too small for 10 agents with a target each"),
        ("cleaner", {"num_agents": 0}, "num_agents must be a whole number from 1 to 127, not 0"),
    ],
)
def test_settings_out_of_range_are_refused_in_one_line(family, settings, message):
    with pytest.raises(UserError, match=message):
        make(f"jumanji/{family}", **settings)
