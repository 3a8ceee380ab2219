"""The units of an SMAX battle, for its picture."""

from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from gpae.environments.pictures import OPPONENT, TEAM, Units

NO_TARGET = -1


def battle_units(game: Any, states: Any) -> Units:
    """The units of a battle, the allies first.

    Args:
        game: JaxMARL's battle.
        states: Its states at T + 1 moments, [T + 1, ...].
    """
    allies, enemies = game.num_allies, game.num_enemies
    types = np.asarray(states.unit_types)[0]
    alive = np.asarray(states.unit_alive)
    ranges = np.asarray(game.unit_type_attack_ranges)[types]
    return Units(
        positions=np.asarray(states.unit_positions),
        alive=alive,
        radii=np.asarray(game.unit_type_radiuses)[types],
        sides=(TEAM,) * allies + (OPPONENT,) * enemies,
        agents=np.concatenate([np.arange(allies), np.full(enemies, -1)]),
        kinds=tuple(game.unit_type_names[each] for each in types),
        marks=tuple(game.unit_type_shorthands[each] for each in types),
        area=(0.0, 0.0, float(game.map_width), float(game.map_height)),
        health=np.asarray(states.unit_health) / np.asarray(game.unit_type_health)[types],
        targets=_targets(game, states, ranges),
        ranges=ranges,
        ending=_ending(alive[-1, :allies], alive[-1, allies:]),
    )


def _targets(game: Any, states: Any, ranges: np.ndarray) -> Int[np.ndarray, "T U"]:
    """The living unit in range that each living unit has chosen to attack on each step.

    JaxMARL numbers the units that an enemy can attack from the last ally to the first.
    """
    actions = np.asarray(states.prev_attack_actions)[1:].astype(int)
    attack = actions - game.num_movement_actions
    from_ally = np.arange(actions.shape[1]) < game.num_allies
    unit = np.where(from_ally, game.num_allies + attack, game.num_allies - 1 - attack)
    unit = np.where(attack < 0, 0, unit)
    positions, alive = np.asarray(states.unit_positions)[:-1], np.asarray(states.unit_alive)[:-1]
    distances = np.linalg.norm(
        positions - np.take_along_axis(positions, unit[..., None], 1), axis=-1
    )
    hits = alive & np.take_along_axis(alive, unit, 1) & (distances < ranges) & (attack >= 0)
    return np.where(hits, unit, NO_TARGET)


def _ending(allies: Bool[np.ndarray, " N"], enemies: Bool[np.ndarray, " M"]) -> str:
    if allies.any() and enemies.any():
        return "time is up"
    return "victory" if allies.any() else "defeat" if enemies.any() else "draw"
