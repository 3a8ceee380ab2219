"""SMAX, JaxMARL's StarCraft-like micromanagement battles, as an :class:`Environment`.

The allies are the team; a scripted heuristic plays the enemies. Importing this module does not
import JaxMARL, which takes seconds; making an environment does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, PRNGKeyArray

from gpae.environments.environment import (
    DiscreteActions,
    Environment,
    EnvironmentSpec,
    EnvironmentState,
    Observation,
    Step,
)
from gpae.environments.pictures import Units
from gpae.environments.quiet_import import import_alone
from gpae.environments.smax_units import battle_units
from gpae.environments.wrappers import ForcedStop
from gpae.errors import UserError

STOP_ACTION = 4
"""Index of the action that neither moves nor shoots; the only available one of a dead agent."""

_UNIT_TYPES = ("marine", "marauder", "stalker", "zealot", "zergling", "hydralisk")
_ATTACK_MODES = ("closest", "random")
_RULES = ("0.2", "0.1")


@dataclass(frozen=True)
class SmaxMap:
    """Armies of a map: each side's units by type, such as ``{"stalker": 3, "zealot": 5}``."""

    allies: Mapping[str, int]
    enemies: Mapping[str, int]

    @property
    def num_agents(self) -> int:
        """The number of allies."""
        return sum(self.allies.values())

    @property
    def description(self) -> str:
        """The two armies in words, such as ``5 marines vs 6 marines``."""
        return f"{_in_words(self.allies)} vs {_in_words(self.enemies)}"


def _in_words(army: Mapping[str, int]) -> str:
    return " and ".join(f"{count} {unit}{'s' * (count > 1)}" for unit, count in army.items())


def read_scenario(text: str) -> SmaxMap:
    """The armies of a scenario in words, as :attr:`SmaxMap.description` gives them.

    Args:
        text: Such as ``2 marines and 1 marauder vs 4 zerglings``.

    Raises:
        UserError: It is not of that form.
    """
    sides = str(text).split(" vs ")
    try:
        allies, enemies = map(_army, sides)
    except ValueError as error:
        raise UserError(
            f"scenario must be two armies such as '2 marines and 1 zealot vs 4 zerglings', of "
            f"{', '.join(_UNIT_TYPES)}, not {text!r}"
        ) from error
    return SmaxMap(allies, enemies)


def _army(text: str) -> dict[str, int]:
    """Units by type; raises ValueError where the text is no army."""
    army: dict[str, int] = {}
    for part in text.split(" and "):
        count, unit = part.split()
        unit = unit.removesuffix("s")
        if unit not in _UNIT_TYPES or unit in army or int(count) < 1:
            raise ValueError(part)
        army[unit] = int(count)
    return army


def _mirrored(**army: int) -> SmaxMap:
    return SmaxMap(army, army)


MAPS: Mapping[str, SmaxMap] = {
    "3m": _mirrored(marine=3),
    "8m": _mirrored(marine=8),
    "25m": _mirrored(marine=25),
    "5m_vs_6m": SmaxMap({"marine": 5}, {"marine": 6}),
    "10m_vs_11m": SmaxMap({"marine": 10}, {"marine": 11}),
    "27m_vs_30m": SmaxMap({"marine": 27}, {"marine": 30}),
    "1s1z": _mirrored(stalker=1, zealot=1),
    "2s3z": _mirrored(stalker=2, zealot=3),
    "3s5z": _mirrored(stalker=3, zealot=5),
    "3s5z_vs_3s6z": SmaxMap({"stalker": 3, "zealot": 5}, {"stalker": 3, "zealot": 6}),
    "3s_vs_5z": SmaxMap({"stalker": 3}, {"zealot": 5}),
    "6h_vs_8z": SmaxMap({"hydralisk": 6}, {"zealot": 8}),
    "smacv2_5_units": _mirrored(**{"random unit": 5}),
    "smacv2_10_units": _mirrored(**{"random unit": 10}),
    "smacv2_20_units": _mirrored(**{"random unit": 20}),
}
"""All maps: JaxMARL's, and the paper's 1s1z."""


@dataclass(frozen=True)
class BattleSettings:
    """Settings of a battle.

    Attributes:
        see_enemy_actions: Whether observations include the last actions of visible enemies.
        walls_cause_death: Whether units that touch the edge of the map die.
        enemy_shoots: Whether the enemies shoot at all.
        attack_mode: An enemy's target among the allies in range: ``closest`` or ``random``.
        max_steps: JaxMARL's time limit. It is checked before the step, so an episode is truncated
            after ``max_steps + 1`` transitions.
        rules: JaxMARL version of the rules: ``0.2``, or ``0.1`` as in the paper
            (:mod:`gpae.environments.smax_rules_0_1` lists the differences). A float is accepted.

    Raises:
        UserError: If a value is of the wrong type or outside its range.
    """

    see_enemy_actions: bool = True
    walls_cause_death: bool = True
    enemy_shoots: bool = True
    attack_mode: str = "closest"
    max_steps: int = 100
    rules: str = "0.2"

    def __post_init__(self) -> None:
        for name in ("see_enemy_actions", "walls_cause_death", "enemy_shoots"):
            if not isinstance(getattr(self, name), bool):
                raise UserError(f"{name} must be true or false, not {getattr(self, name)!r}")
        if self.attack_mode not in _ATTACK_MODES:
            raise UserError(
                f"attack_mode must be one of {', '.join(_ATTACK_MODES)}, not {self.attack_mode!r}"
            )
        if type(self.max_steps) is not int or self.max_steps < 1:
            raise UserError(f"max_steps must be a whole number from 1 up, not {self.max_steps!r}")
        object.__setattr__(self, "rules", str(self.rules))
        if self.rules not in _RULES:
            raise UserError(f"rules must be one of {', '.join(_RULES)}, not {self.rules!r}")


@dataclass(frozen=True)
class SmaxSettings(BattleSettings):
    """Settings of an SMAX task: the battle's, and the anomaly of section 3.1 of the paper.

    Attributes:
        stop_probability: Probability per step that one living agent is forced to stop.

    Raises:
        UserError: If a value is of the wrong type or outside its range.
    """

    stop_probability: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        probability = self.stop_probability
        number = isinstance(probability, int | float) and not isinstance(probability, bool)
        if not number or not 0.0 <= probability <= 1.0:
            raise UserError(f"stop_probability must be between 0 and 1, not {probability!r}")


@dataclass(frozen=True)
class ScenarioSettings(SmaxSettings):
    """Settings of a battle between armies of one's own.

    Attributes:
        scenario: The armies in words, such as ``2 marines and 1 zealot vs 4 zerglings``.

    Raises:
        UserError: If a value is of the wrong type or outside its range.
    """

    scenario: str = "3 marines vs 3 marines"

    def __post_init__(self) -> None:
        super().__post_init__()
        read_scenario(self.scenario)


class Smax:
    """One SMAX map behind the :class:`Environment` protocol.

    The team reward is the fraction of the enemies' health removed on the step, plus 1 for a win. An
    episode terminates when one side has no living unit, and is truncated at the time limit
    otherwise; it is won when every enemy is dead and an ally lives. Row i of every array is
    JaxMARL's ``ally_i``.
    """

    def __init__(
        self,
        map_name: str,
        settings: BattleSettings | None = None,
        smax_map: SmaxMap | None = None,
    ) -> None:
        """Set up the battle.

        Args:
            map_name: One of :data:`MAPS`, or a scenario registered with JaxMARL.
            settings: The battle's settings; the defaults are those of JaxMARL's baselines.
            smax_map: Armies of one's own, whose name ``map_name`` then is.

        Raises:
            UserError: If there is no such map.
        """
        settings = settings or BattleSettings()
        self._game = _make_game(map_name, settings, smax_map)
        self._spec = EnvironmentSpec(
            name=f"smax/{map_name}",
            num_agents=self._game.num_agents,
            observation_size=self._game.obs_size,
            state_size=self._game.state_size,
            actions=DiscreteActions(self._game.num_ally_actions),
            max_episode_steps=settings.max_steps + 1,
            metrics=("win_rate",),
            early_truncation=False,
        )

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""
        return self._spec

    @property
    def action_names(self) -> tuple[str, ...]:
        """Names of the actions, for people."""
        attacks = (f"attack enemy {enemy}" for enemy in range(self._game.num_enemies))
        return ("north", "east", "south", "west", "stop", *attacks)

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin a battle."""
        observations, state = self._game.reset(key)
        state = jax.tree.map(_without_weak_type, state)
        return state, self._observation(observations, state)

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Int[Array, " N"]
    ) -> tuple[EnvironmentState, Step]:
        """Make one transition, without resetting."""
        by_agent = dict(zip(self._game.agents, actions, strict=True))
        observations, successor, rewards, dones, _ = self._game.step_env(key, state, by_agent)
        observation = self._observation(observations, successor)
        ally_lives = jnp.any(observation.alive)
        enemy_lives = jnp.any(successor.state.unit_alive[self._game.num_agents :])
        terminated = ~ally_lives | ~enemy_lives
        return successor, Step(
            observation=observation,
            actions=actions,
            reward=rewards[self._game.agents[0]],
            terminated=terminated,
            truncated=dones["__all__"] & ~terminated,
            outcomes={"win_rate": (ally_lives & ~enemy_lives).astype(jnp.float32)},
            forced=jnp.zeros_like(observation.alive),
        )

    def units(self, states: EnvironmentState) -> Units:
        """The units of a battle, the allies first; ``states`` are those of its moments."""
        return battle_units(self._game, states.state)

    def _observation(self, observations: dict[str, Array], state: EnvironmentState) -> Observation:
        available_actions = self._game.get_avail_actions(state)
        return Observation(
            observations=self._stack(observations),
            state=observations["world_state"],
            available_actions=self._stack(available_actions).astype(bool),
            alive=state.state.unit_alive[: self._game.num_agents],
        )

    def _stack(self, by_agent: dict[str, Array]) -> Array:
        return jnp.stack([by_agent[agent] for agent in self._game.agents])


def make_smax(map_name: str, settings: SmaxSettings) -> Environment:
    """Make a map's environment, wrapped in the anomaly if its probability is above zero.

    Args:
        map_name: One of :data:`MAPS`, or a scenario registered with JaxMARL.
        settings: The battle's settings and the anomaly's probability.

    Raises:
        UserError: If there is no such map.
    """
    return _with_anomaly(Smax(map_name, settings), settings)


def make_scenario(settings: ScenarioSettings) -> Environment:
    """Make a battle between the armies of ``settings.scenario``, as :func:`make_smax` does."""
    battle = Smax("scenario", settings, read_scenario(settings.scenario))
    return _with_anomaly(battle, settings)


def _with_anomaly(environment: Environment, settings: SmaxSettings) -> Environment:
    if settings.stop_probability == 0.0:
        return environment
    return ForcedStop(environment, settings.stop_probability, action=STOP_ACTION)


def _make_game(map_name: str, settings: BattleSettings, smax_map: SmaxMap | None) -> Any:
    jaxmarl_smax = import_alone("jaxmarl.environments.smax")
    return _game_class(jaxmarl_smax, settings.rules)(
        scenario=(
            _named_scenario(jaxmarl_smax, map_name)
            if smax_map is None
            else _scenario(jaxmarl_smax, smax_map)
        ),
        see_enemy_actions=settings.see_enemy_actions,
        walls_cause_death=settings.walls_cause_death,
        enemy_shoots=settings.enemy_shoots,
        attack_mode=settings.attack_mode,
        max_steps=settings.max_steps,
    )


def _game_class(jaxmarl_smax: ModuleType, rules: str) -> Any:
    if rules == "0.2":
        return jaxmarl_smax.HeuristicEnemySMAX
    from gpae.environments.smax_rules_0_1 import EarlierHeuristicEnemySmax

    return EarlierHeuristicEnemySmax


def _named_scenario(jaxmarl_smax: ModuleType, map_name: str) -> Any:
    try:
        return jaxmarl_smax.map_name_to_scenario(map_name)
    except KeyError:
        if map_name not in MAPS:
            raise UserError(f"no SMAX map {map_name!r}; the maps are {', '.join(MAPS)}") from None
    return _scenario(jaxmarl_smax, MAPS[map_name])


def _scenario(jaxmarl_smax: ModuleType, smax_map: SmaxMap) -> Any:
    allies, enemies = _unit_types(smax_map.allies), _unit_types(smax_map.enemies)
    return jaxmarl_smax.Scenario(
        unit_types=jnp.array(allies + enemies, dtype=jnp.uint8),
        num_allies=len(allies),
        num_enemies=len(enemies),
        smacv2_position_generation=False,
        smacv2_unit_type_generation=False,
    )


def _unit_types(army: Mapping[str, int]) -> list[int]:
    return [_UNIT_TYPES.index(unit) for unit, count in army.items() for _ in range(count)]


def _without_weak_type(array: Array) -> Array:
    """Remove the weak type, so that a reset's state has a step's types and compiles once."""
    return jnp.asarray(array, dtype=array.dtype)
