"""What JaxMARL has to offer a team: its cooperative environments, and where they are special.

Importing this module does not import JaxMARL, which takes seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

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


@dataclass(frozen=True)
class Particulars:
    """Where a JaxMARL environment departs from the interface that they share.

    Attributes:
        team: The attribute that names the agents that learn; the environment acts for the others.
        masks: The method that gives available actions, where the environment has it; None where
            what it gives cannot be used.
        alive: Which of N agents can still act, given the environment's state; None for all.
        outcomes: The episode's metrics: the number, given the environment's state and the team's
            rewards [N] after a step.
    """

    team: str = "agents"
    masks: str | None = "get_avail_actions"
    alive: Callable[[Any], Bool[Array, " N"]] | None = None
    outcomes: Mapping[str, Callable[[Any, Float[Array, " N"]], Float[Array, ""]]] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class Game:
    """One environment that JaxMARL registers and a team can play.

    Attributes:
        description: One line for people.
        num_agents: The team's size by default.
        settings: What can be set.
        continuous: Whether actions are real numbers by default.
        particulars: What is special about it.
    """

    description: str
    num_agents: int
    settings: type[JaxmarlSettings] = JaxmarlSettings
    continuous: bool = False
    particulars: Particulars = Particulars()


_PURSUIT = Particulars(team="adversaries")

GAMES: Mapping[str, Game] = {
    "MPE_simple_v3": Game("1 particle goes to a landmark", 1, ParticleSettings),
    "MPE_simple_spread_v3": Game("3 particles cover 3 landmarks", 3, SpreadSettings),
    "MPE_simple_reference_v3": Game(
        "2 particles tell each other where to go", 2, ReferenceSettings
    ),
    "MPE_simple_speaker_listener_v4": Game(
        "1 particle tells another where to go", 2, ParticleSettings
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
        "3 prisoners, a light bulb and the question who has seen it",
        3,
        SwitchRiddleSettings,
        particulars=Particulars(
            outcomes={"solved": lambda _, rewards: (rewards[0] > 0).astype(jnp.float32)}
        ),
    ),
    "hanabi": Game(
        "2 players, each of whom sees all hands but their own",
        2,
        HanabiSettings,
        particulars=Particulars(masks="get_legal_moves"),
    ),
    "overcooked": Game("2 cooks in a kitchen", 2, OvercookedSettings),
    "overcooked_v2": Game("2 cooks in a kitchen, with recipes", 2, OvercookedV2Settings),
    "jaxnav": Game(
        "2 robots find their way",
        2,
        JaxnavSettings,
        continuous=True,
        particulars=Particulars(
            masks=None,
            alive=lambda state: ~state.move_term,
            outcomes={"goal_rate": lambda state, _: state.goal_reached.mean(dtype=jnp.float32)},
        ),
    ),
}
"""What is adapted, by JaxMARL's own names."""

_AGAINST = "it sets agents against each other, and a team has one reward"
_SOCIAL = "it is a social dilemma of agents with interests of their own, not a team's task"
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
"""What JaxMARL registers too, and why it is no task here."""
