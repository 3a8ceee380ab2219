"""`rules: 0.1` is SMAX as jaxmarl 0.1.0 plays it, checked against battles recorded there.

Every recorded step is made again from its recorded state, with its recorded key and the allies'
recorded actions, so that rounding never adds up. golden/make_smax_0_1.py makes the recordings.
"""

from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest

from gpae.environments.smax import BattleSettings, Smax
from gpae.errors import UserError

pytestmark = pytest.mark.slow

MAPS = ("3m", "5m_vs_6m", "1s1z", "smacv2_5_units")
UNITS = (
    "unit_positions",
    "unit_alive",
    "unit_health",
    "unit_types",
    "unit_weapon_cooldowns",
    "prev_movement_actions",
    "prev_attack_actions",
    "step",
)
ENEMY_POLICY = ("default_target", "last_attacked_enemy")
FEATURES, LAST_TARGETED, COOLDOWN = 13, 5, 6
OWN_FEATURES, OWN_COOLDOWN = 10, 3


@cache
def recording(map_name):
    path = Path(__file__).parent / "golden" / f"smax_0_1_{map_name}.npz"
    return dict(np.load(path))


def battle(map_name, rules):
    return Smax(map_name, BattleSettings(max_steps=60, rules=rules))


@pytest.fixture(scope="module")
def replayed(quickly_compiled):
    """Every recorded step of a map, made again by either rules."""

    @cache
    def replay(map_name, rules):
        environment, recorded = battle(map_name, rules), recording(map_name)
        template, _ = environment.reset(jax.random.key(0))

        def step(before, key, actions):
            units = template.state.replace(**{name: before[name] for name in UNITS})
            policy = template.enemy_policy_state.replace(**{n: before[n] for n in ENEMY_POLICY})
            state = template.replace(state=units, enemy_policy_state=policy)
            return environment.step(jax.random.wrap_key_data(key), state, actions)

        before = {name: recorded[f"before_{name}"] for name in (*UNITS, *ENEMY_POLICY)}
        result = quickly_compiled(jax.vmap(step))(before, recorded["step_key"], recorded["actions"])
        return jax.tree.map(np.asarray, result)

    return replay


def assert_close(found, expected, name):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=2e-5, err_msg=name)


def described(state):
    return {
        **{name: getattr(state.state, name) for name in UNITS},
        **{name: getattr(state.enemy_policy_state, name) for name in ENEMY_POLICY},
    }


def living(recorded):
    """Steps during which every unit lived."""
    return recorded["after_unit_alive"].all(axis=1)


@pytest.mark.parametrize("map_name", MAPS)
def test_every_step_is_the_recorded_one(map_name, replayed):
    recorded, (successor, step) = recording(map_name), replayed(map_name, "0.1")
    for name, found in described(successor).items():
        assert_close(found, recorded[f"after_{name}"], name)
    assert_close(step.observation.observations, recorded["observations"], "observations")
    assert_close(step.observation.state, recorded["state"], "state")
    assert_close(step.reward, recorded["reward"], "reward")
    np.testing.assert_array_equal(step.observation.available_actions, recorded["available_actions"])
    np.testing.assert_array_equal(step.boundary, recorded["done"])


@pytest.mark.parametrize("map_name", MAPS)
def test_the_same_key_begins_the_same_battle(map_name, quickly_compiled):
    recorded = recording(map_name)
    key = jax.random.wrap_key_data(recorded["reset_key"])
    _, observation = quickly_compiled(battle(map_name, "0.1").reset)(key)
    assert_close(observation.observations, recorded["reset_observations"], "observations")
    assert_close(observation.state, recorded["reset_state"], "state")


@pytest.mark.parametrize("map_name", MAPS)
def test_the_recordings_hold_what_the_rules_differ_in(map_name):
    recorded = recording(map_name)
    deaths = recorded["before_unit_alive"] & ~recorded["after_unit_alive"]
    allies = recorded["actions"].shape[1]
    assert len(deaths) >= 100
    assert deaths[:, :allies].any()
    assert deaths[:, allies:].any()
    assert recorded["done"].sum() >= 3


def test_by_the_later_rules_nothing_but_observations_differs_while_everybody_lives(replayed):
    recorded, (successor, step) = recording("5m_vs_6m"), replayed("5m_vs_6m", "0.2")
    steps = living(recorded)
    assert steps.sum() > 30
    for name, found in described(successor).items():
        assert_close(found[steps], recorded[f"after_{name}"][steps], name)
    assert_close(step.reward[steps], recorded["reward"][steps], "reward")
    assert_close(step.observation.state[steps], recorded["state"][steps], "state")

    differs = np.abs(step.observation.observations - recorded["observations"])[steps] > 1e-4
    columns = set(np.flatnonzero(differs.any(axis=(0, 1))))
    others = {i for i in range(10 * FEATURES) if i % FEATURES in (LAST_TARGETED, COOLDOWN)}
    assert columns == others | {10 * FEATURES + OWN_COOLDOWN}


def test_by_the_later_rules_observed_cooldowns_and_targets_are_shares(replayed):
    """Marines only: cooldown .61, eleven actions of an ally and ten of an enemy."""
    recorded, (_, step) = recording("5m_vs_6m"), replayed("5m_vs_6m", "0.2")
    steps = living(recorded)
    earlier, later = recorded["observations"][steps], step.observation.observations[steps]
    own = 10 * FEATURES + OWN_COOLDOWN
    assert_close(later[..., own], np.clip(earlier[..., own] / 0.61, 0, 1), "own cooldown")
    for unit in range(10):
        last_action = 10 if unit < 4 else 9
        targeted = unit * FEATURES + LAST_TARGETED
        assert_close(later[..., targeted], earlier[..., targeted] / last_action, "last targeted")


@pytest.mark.parametrize("map_name", ["5m_vs_6m", "smacv2_5_units"])
def test_only_by_the_earlier_rules_the_dead_walk_and_are_in_the_way(map_name, replayed):
    recorded, (successor, _) = recording(map_name), replayed(map_name, "0.2")
    before, dead = recorded["before_unit_positions"], ~recorded["before_unit_alive"]
    earlier, later = recorded["after_unit_positions"], successor.state.unit_positions
    np.testing.assert_array_equal(later[dead], before[dead])
    walked = np.linalg.norm(earlier - before, axis=-1)
    assert walked[dead].max() > 1.0
    in_the_way = np.linalg.norm(earlier - later, axis=-1) > 1e-3
    assert in_the_way[recorded["after_unit_alive"]].any()


def test_a_number_names_the_rules_as_well_and_others_are_refused():
    assert BattleSettings(rules=0.1).rules == "0.1"
    with pytest.raises(UserError) as error:
        BattleSettings(rules="0.3")
    assert str(error.value) == "rules must be one of 0.2, 0.1, not '0.3'"
