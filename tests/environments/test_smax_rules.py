"""Endings of battles, the actions of dead agents, and the order of the agents' rows."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import auto_reset_step, make
from gpae.environments.smax import MAPS, STOP_ACTION, BattleSettings, Smax, read_scenario
from gpae.errors import UserError

LIMIT = 100
ALL = jnp.array([45.0, 45.0, 45.0])
NONE = jnp.zeros(3)
ENDINGS = {
    # name: (ally health, enemy health, steps so far) -> (terminated, truncated, win, reward)
    "undecided": ((ALL, ALL, 0), (False, False, 0.0, 0.0)),
    "win": ((ALL, NONE, 0), (True, False, 1.0, 1.0)),
    "loss": ((NONE, ALL, 0), (True, False, 0.0, 0.0)),
    "draw": ((NONE, NONE, 0), (True, False, 0.0, 0.0)),
    "last step but one": ((ALL, ALL, LIMIT - 1), (False, False, 0.0, 0.0)),
    "time limit": ((ALL, ALL, LIMIT), (False, True, 0.0, 0.0)),
    "win at the time limit": ((ALL, NONE, LIMIT), (True, False, 1.0, 1.0)),
    "tagged": ((jnp.array([10.0, 0.0, 30.0]), ALL, 0), (False, False, 0.0, 0.0)),
}


@pytest.fixture(scope="module")
def battle():
    return Smax("3m", BattleSettings(max_steps=LIMIT))


@pytest.fixture(scope="module")
def endings(battle, quickly_compiled):
    """One step of stopping from each arranged state, before the armies meet."""

    def arranged_step(allies, enemies, time):
        state, _ = battle.reset(jax.random.key(0))
        health = jnp.concatenate([allies, enemies])
        units = state.state.replace(unit_health=health, unit_alive=health > 0, step=time)
        actions = jnp.full(3, STOP_ACTION)
        return battle.step(jax.random.key(1), state.replace(state=units), actions)

    arranged = [jnp.stack(column) for column in zip(*(a for a, _ in ENDINGS.values()), strict=True)]
    states, steps = quickly_compiled(jax.vmap(arranged_step))(*map(jnp.asarray, arranged))
    return {
        name: jax.tree.map(lambda x, i=i: x[i], (states, steps)) for i, name in enumerate(ENDINGS)
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ENDINGS)
def test_an_ending_is_read_from_who_is_alive(endings, name):
    _, step = endings[name]
    terminated, truncated, win, reward = ENDINGS[name][1]
    assert bool(step.terminated) == terminated
    assert bool(step.truncated) == truncated
    assert float(step.outcomes["win_rate"]) == win
    assert float(step.reward) == reward
    assert not step.forced.any()


def test_the_dead_can_only_stop_and_see_nothing(endings):
    _, step = endings["tagged"]
    np.testing.assert_array_equal(step.observation.alive, [True, False, True])
    assert np.flatnonzero(step.observation.available_actions[1]).tolist() == [STOP_ACTION]
    assert step.observation.available_actions[0, :5].all()
    assert not step.observation.observations[1].any()


def test_row_i_is_what_ally_i_sees(endings, battle):
    own_health, own_position = -10, slice(-9, -7)
    _, tagged = endings["tagged"]
    np.testing.assert_allclose(
        tagged.observation.observations[:, own_health], np.array([10, 0, 30]) / 45, rtol=1e-6
    )
    state, step = endings["undecided"]
    seen = step.observation.observations[:, own_position] * 32.0
    np.testing.assert_allclose(seen, state.state.unit_positions[:3], rtol=1e-6)
    assert len(np.unique(seen[:, 1])) == 3


@pytest.mark.slow
def test_a_battle_without_shots_runs_to_the_time_limit_and_starts_anew(quickly_compiled):
    peaceful = Smax("3m", BattleSettings(enemy_shoots=False, max_steps=4))
    assert peaceful.spec.max_episode_steps == 5

    def play(key):
        def advance(state, key):
            state, observation, step = auto_reset_step(
                peaceful, key, state, jnp.full(3, STOP_ACTION)
            )
            return state, (observation, step)

        state, first = peaceful.reset(key)
        return first, jax.lax.scan(advance, state, jax.random.split(key, 11))[1]

    first, (all_observations, steps) = quickly_compiled(play)(jax.random.key(4))
    assert np.flatnonzero(steps.truncated).tolist() == [4, 9]
    assert not steps.terminated.any()
    assert not steps.reward.any()
    ally_x = np.asarray(all_observations.observations[:, :, -9]) * 32.0
    np.testing.assert_array_equal(all_observations.state[:4], steps.observation.state[:4])
    assert (all_observations.state[4] != steps.observation.state[4]).any()
    assert (all_observations.state[4] != first.state).any()
    np.testing.assert_array_less(np.abs(ally_x[[4, 9]] - 8.0), 2.5)


def test_a_state_has_the_same_types_after_a_reset_as_after_a_step(battle):
    def types(tree):
        return [(x.shape, x.dtype, x.weak_type) for x in jax.tree.leaves(tree)]

    key, actions = jax.random.key(0), jax.ShapeDtypeStruct((3,), jnp.int32)
    fresh = jax.eval_shape(battle.reset, key)
    state, step = jax.eval_shape(battle.step, key, fresh[0], actions)
    assert types(fresh) == types((state, step.observation))


def test_a_step_has_the_sizes_of_the_spec():
    battle = Smax("5m_vs_6m")
    spec = battle.spec
    _, observation = jax.eval_shape(battle.reset, jax.random.key(0))
    assert (spec.num_agents, spec.actions.size, spec.metrics) == (5, 11, ("win_rate",))
    assert observation.observations.shape == (5, spec.observation_size)
    assert observation.state.shape == (spec.state_size,)
    assert observation.available_actions.shape == (5, 11)
    assert {x.dtype.name for x in jax.tree.leaves(observation)} == {"float32", "bool"}


@pytest.mark.slow
@pytest.mark.usefixtures("battle")
def test_the_maps_are_jaxmarls_and_1s1z_with_the_same_armies():
    from jaxmarl.environments.smax import smax_env

    names = ("marine", "marauder", "stalker", "zealot", "zergling", "hydralisk")

    def army(unit_types, random):
        kinds = [names[i] for i in unit_types]
        return {"random unit": len(kinds)} if random else {k: kinds.count(k) for k in set(kinds)}

    registered = smax_env.MAP_NAME_TO_SCENARIO
    assert set(MAPS) == {*registered, "1s1z"}
    for name, scenario in registered.items():
        random = scenario.smacv2_unit_type_generation
        assert MAPS[name].allies == army(scenario.unit_types[: scenario.num_allies], random), name
        assert MAPS[name].enemies == army(scenario.unit_types[scenario.num_allies :], random), name
    assert MAPS["1s1z"].allies == MAPS["1s1z"].enemies == {"stalker": 1, "zealot": 1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"attack_mode": "nearest"}, "attack_mode must be one of closest, random, not 'nearest'"),
        ({"max_steps": 0}, "max_steps must be a whole number from 1 up, not 0"),
        ({"max_steps": True}, "max_steps must be a whole number from 1 up, not True"),
        ({"see_enemy_actions": 1}, "see_enemy_actions must be true or false, not 1"),
    ],
)
def test_a_setting_out_of_range_is_refused_in_one_line(settings, message):
    with pytest.raises(UserError) as error:
        BattleSettings(**settings)
    assert str(error.value) == message


def test_an_unknown_map_is_refused():
    with pytest.raises(UserError, match="no SMAX map '4m'; the maps are 3m, 8m"):
        Smax("4m")


@pytest.mark.slow
def test_listing_is_light_and_making_is_silent_and_leaves_the_streams_alone():
    script = """
import io, sys
import gpae.environments as environments
assert len(environments.task_names()) >= 15
assert "jaxmarl" not in sys.modules
out, err = sys.stdout, sys.stderr = io.StringIO(), io.StringIO()
original = sys.__stdout__
environments.make("smax/3m")
assert "jaxmarl" not in sys.modules
environments.make("jaxmarl/switch_riddle")
assert "jaxmarl" in sys.modules
assert (sys.stdout, sys.stderr, sys.__stdout__) == (out, err, original)
assert out.getvalue() == ""
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout == ""


@pytest.mark.parametrize("name", [name for name in MAPS if not name.startswith("smacv2")])
def test_a_maps_description_is_its_scenario(name):
    assert read_scenario(MAPS[name].description) == MAPS[name]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "3 marines",
        "3 marines vs",
        "0 marines vs 1 zealot",
        "1 tank vs 1 zealot",
        "a vs b",
        "3",
        "1 marine and 2 marines vs 1 zealot",
        "1 zealot vs 1 zealot vs 1 zealot",
        "-1 zealot vs 1 zealot",
    ],
)
def test_a_scenario_that_is_not_two_armies_is_one_line(text):
    with pytest.raises(UserError, match="scenario must be two armies") as caught:
        make("smax/scenario", scenario=text)
    assert "\n" not in str(caught.value)


def test_a_scenario_has_the_armies_in_their_order():
    environment = make("smax/scenario", scenario="2 marines and 1 zealot vs 4 zerglings")
    assert environment.spec.num_agents == 3
    state, observation = environment.reset(jax.random.key(0))
    np.testing.assert_array_equal(state.state.unit_types, [0, 0, 3, 4, 4, 4, 4])
    assert observation.observations.shape == (3, environment.spec.observation_size)
    assert observation.available_actions.shape == (3, 5 + 4)
