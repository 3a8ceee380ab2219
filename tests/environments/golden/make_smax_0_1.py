"""Record battles of SMAX as jaxmarl 0.1.0 plays them, for tests of `task.rules=0.1`.

It needs an environment of its own, since jaxmarl 0.1.0 needs an old JAX:

    python -m venv old
    old/bin/pip install jaxmarl==0.1.0
    old/bin/python tests/environments/golden/make_smax_0_1.py

Each file holds one map: T steps on end, a new battle wherever one ends. Arrays lead with T; units
are the allies and then the enemies, whose actions are the successor's ``prev_movement_actions`` and
``prev_attack_actions``. The random streams are those of today's JAX: the flag that is now its
default is set, so that a key draws the same numbers there and here.
"""

import sys
from importlib import metadata
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxmarl.environments.smax import HeuristicEnemySMAX, Scenario, map_name_to_scenario

STEPS = 200
SEED = 1
MAX_STEPS = 60
SHOTS_PREFERRED = 6.0
"""Added to the logits of shots: allies that never shoot leave no dead enemies behind."""

MAPS = ("3m", "5m_vs_6m", "1s1z", "smacv2_5_units")
STATE = (
    "unit_positions",
    "unit_alive",
    "unit_health",
    "unit_types",
    "unit_weapon_cooldowns",
    "prev_movement_actions",
    "prev_attack_actions",
)


def make_game(map_name):
    if map_name == "1s1z":
        scenario = Scenario(jnp.array([2, 3, 2, 3], dtype=jnp.uint8), 2, 2, False, False)
    else:
        scenario = map_name_to_scenario(map_name)
    return HeuristicEnemySMAX(
        scenario=scenario,
        see_enemy_actions=True,
        walls_cause_death=True,
        attack_mode="closest",
        max_steps=MAX_STEPS,
    )


def describe(state):
    """Everything a state consists of."""
    units = {name: getattr(state.state, name) for name in STATE}
    policy = state.enemy_policy_state
    return {
        **units,
        "step": state.state.time,
        "default_target": policy.default_target,
        "last_attacked_enemy": policy.last_attacked_enemy,
    }


def choose(game, key, state):
    """Random available actions."""
    available = game.get_avail_actions(state)
    available = jnp.stack([available[agent] for agent in game.agents])
    preference = jnp.where(jnp.arange(available.shape[1]) > 4, SHOTS_PREFERRED, 0.0)
    return jax.random.categorical(key, jnp.where(available, preference, -jnp.inf))


def record_step(game, state, number):
    """One step, and a new battle where it ended one."""
    action_key, step_key, reset_key = (
        jax.random.fold_in(jax.random.fold_in(jax.random.key(SEED), number), purpose)
        for purpose in range(3)
    )
    actions = choose(game, action_key, state)
    orders = {agent: actions[i] for i, agent in enumerate(game.agents)}
    observations, successor, rewards, dones, _ = game.step_env(step_key, state, orders)
    available = game.get_avail_actions(successor)
    record = {
        "step_key": jax.random.key_data(step_key),
        "actions": actions,
        "observations": jnp.stack([observations[agent] for agent in game.agents]),
        "state": observations["world_state"],
        "available_actions": jnp.stack([available[agent] for agent in game.agents]),
        "reward": rewards[game.agents[0]],
        "done": dones["__all__"],
        **{f"before_{name}": value for name, value in describe(state).items()},
        **{f"after_{name}": value for name, value in describe(successor).items()},
    }
    fresh = game.reset(reset_key)[1]
    following = jax.tree.map(lambda new, old: jnp.where(record["done"], new, old), fresh, successor)
    return following, record


def record_map(map_name):
    game = make_game(map_name)
    reset_key = jax.random.fold_in(jax.random.key(SEED), STEPS)
    observations, state = game.reset(reset_key)
    _, records = jax.lax.scan(lambda s, t: record_step(game, s, t), state, jnp.arange(STEPS))
    return {
        **records,
        "reset_key": jax.random.key_data(reset_key),
        "reset_observations": jnp.stack([observations[agent] for agent in game.agents]),
        "reset_state": observations["world_state"],
    }


def main():
    version = metadata.version("jaxmarl")
    if version != "0.1.0":
        sys.exit(f"this needs jaxmarl 0.1.0, not {version}")
    jax.config.update("jax_platforms", "cpu")
    jax.config.update("jax_threefry_partitionable", True)
    for map_name in MAPS:
        records = {name: np.asarray(value) for name, value in record_map(map_name).items()}
        path = Path(__file__).parent / f"smax_0_1_{map_name}.npz"
        np.savez_compressed(path, **records)
        before, after = records["before_unit_alive"], records["after_unit_alive"]
        deaths = (before & ~after).sum(0)
        print(
            f"{path.name}: {records['done'].sum()} battles, deaths of each unit {deaths.tolist()}"
        )


if __name__ == "__main__":
    main()
