"""JaxMARL's cooperative environments, with the options that adapt each of them.

Importing this module does not import JaxMARL, which takes seconds.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, UInt8

from gpae.environments.jaxmarl_settings import (
    FixedWorldSettings,
    HanabiSettings,
    JaxmarlSettings,
    JaxnavSettings,
    OvercookedSettings,
    OvercookedV2Settings,
    ParticleSettings,
    PursuitSettings,
    ReferenceSettings,
    SpreadSettings,
    SwitchRiddleSettings,
)
from gpae.environments.jaxmarl_units import particle_units
from gpae.environments.kitchen_picture import overcooked_picture, overcooked_v2_picture
from gpae.environments.pictures import Units


@dataclass(frozen=True)
class AdapterOptions:
    """Differences of a JaxMARL environment from JaxMARL's common interface.

    Attributes:
        team_attribute: Name of the attribute that lists the learning agents; the environment acts
            for the others.
        mask_method: Name of the method that gives the action masks, where the environment has it;
            None if its masks cannot be used.
        alive: Function from the environment's state to the mask of agents that can still act, [N];
            None if all can.
        outcomes: The episode's metrics by name, as functions of the environment's state and the
            team's rewards, [N], after a step.
        shaped_reward: Key, in the information that a step returns, of each agent's shaped reward;
            None where there is none.
        units: Function from the environment, the agents that learn and the states of an episode,
            [T + 1, ...], to the units to draw; None where there are none.
        picture: Function from the environment and one state to a picture, [H, W, 3]; None where
            there is none.
    """

    team_attribute: str = "agents"
    mask_method: str | None = "get_avail_actions"
    alive: Callable[[Any], Bool[Array, " N"]] | None = None
    outcomes: Mapping[str, Callable[[Any, Float[Array, " N"]], Float[Array, ""]]] = field(
        default_factory=dict
    )
    shaped_reward: str | None = None
    units: Callable[[Any, Sequence[Hashable], Any], Units] | None = None
    picture: Callable[[Any, Any], UInt8[np.ndarray, "H W 3"]] | None = None


@dataclass(frozen=True)
class Game:
    """A cooperative environment of JaxMARL's registry.

    Attributes:
        description: One-line description for listings.
        num_agents: The team's default size.
        settings: Dataclass of its settings.
        continuous: Whether actions are continuous by default.
        options: Its differences from JaxMARL's common interface.
    """

    description: str
    num_agents: int
    settings: type[JaxmarlSettings] = JaxmarlSettings
    continuous: bool = False
    options: AdapterOptions = AdapterOptions()


_PARTICLES = AdapterOptions(units=particle_units)
_PURSUIT = AdapterOptions(team_attribute="adversaries", units=particle_units)
_COOKING = AdapterOptions(shaped_reward="shaped_reward", picture=overcooked_picture)
_COOKING_V2 = AdapterOptions(shaped_reward="shaped_reward", picture=overcooked_v2_picture)

GAMES: Mapping[str, Game] = {
    "MPE_simple_v3": Game("1 particle goes to a landmark", 1, ParticleSettings, options=_PARTICLES),
    "MPE_simple_spread_v3": Game(
        "3 particles cover 3 landmarks", 3, SpreadSettings, options=_PARTICLES
    ),
    "MPE_simple_reference_v3": Game(
        "2 particles tell each other where to go", 2, ReferenceSettings, options=_PARTICLES
    ),
    "MPE_simple_speaker_listener_v4": Game(
        "1 particle tells another where to go", 2, ParticleSettings, options=_PARTICLES
    ),
    "MPE_simple_facmac_v1": Game(
        "3 particles pursue a scripted one", 3, PursuitSettings, True, _PURSUIT
    ),
    "MPE_simple_facmac_3a_v1": Game(
        "3 particles pursue a scripted one", 3, FixedWorldSettings, True, _PURSUIT
    ),
    "MPE_simple_facmac_6a_v1": Game(
        "6 particles pursue 2 scripted ones", 6, FixedWorldSettings, True, _PURSUIT
    ),
    "MPE_simple_facmac_9a_v1": Game(
        "9 particles pursue 3 scripted ones", 9, FixedWorldSettings, True, _PURSUIT
    ),
    "switch_riddle": Game(
        "3 prisoners infer from a light bulb whether all have seen it",
        3,
        SwitchRiddleSettings,
        options=AdapterOptions(
            outcomes={"solved": lambda _, rewards: (rewards[0] > 0).astype(jnp.float32)}
        ),
    ),
    "hanabi": Game(
        "2 players, each of whom sees all hands but their own",
        2,
        HanabiSettings,
        options=AdapterOptions(mask_method="get_legal_moves"),
    ),
    "overcooked": Game("2 cooks in a kitchen", 2, OvercookedSettings, options=_COOKING),
    "overcooked_v2": Game(
        "2 cooks in a kitchen, with recipes", 2, OvercookedV2Settings, options=_COOKING_V2
    ),
    "jaxnav": Game(
        "2 robots find their way",
        2,
        JaxnavSettings,
        continuous=True,
        options=AdapterOptions(
            mask_method=None,
            alive=lambda state: ~state.move_term,
            outcomes={"goal_rate": lambda state, _: state.goal_reached.mean(dtype=jnp.float32)},
        ),
    ),
}
"""Adapted environments by their names in JaxMARL."""

_AGAINST = "it is competitive: its agents play against each other, not as a team"
_SOCIAL = "it is a social dilemma: its agents have conflicting rewards, not a team's"
_SMAX = "SMAX's maps are tasks of their own, such as smax/3m"
_MABRAX = "MABrax's teams are tasks of their own, such as mabrax/ant-4x2"
_ROBOTARIUM = "it needs the jaxrobotarium package, which JaxMARL does not bring along"

REFUSED: Mapping[str, str] = {
    **dict.fromkeys(
        (
            "MPE_simple_tag_v3",
            "MPE_simple_world_comm_v3",
            "MPE_simple_crypto_v3",
            "MPE_simple_push_v3",
            "MPE_simple_adversary_v3",
        ),
        _AGAINST,
    ),
    **dict.fromkeys(("storm", "storm_2p", "storm_np", "coin_game"), _SOCIAL),
    **dict.fromkeys(("SMAX", "HeuristicEnemySMAX", "LearnedPolicyEnemySMAX"), _SMAX),
    **dict.fromkeys(
        ("ant_4x2", "halfcheetah_6x1", "hopper_3x1", "humanoid_9|8", "walker2d_2x3"), _MABRAX
    ),
    **dict.fromkeys(
        (
            "JaxRobotarium_navigation",
            "JaxRobotarium_discovery",
            "JaxRobotarium_material_transport",
            "JaxRobotarium_warehouse",
            "JaxRobotarium_arctic_transport",
            "JaxRobotarium_foraging",
            "JaxRobotarium_rware",
            "JaxRobotarium_predator_prey",
        ),
        _ROBOTARIUM,
    ),
}
"""Environments in JaxMARL's registry that are not tasks here, with the reason."""
