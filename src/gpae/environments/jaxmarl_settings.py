"""What can be set for each of JaxMARL's environments, checked without importing JaxMARL."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from gpae.environments.quiet_import import import_quietly
from gpae.errors import UserError

REWARDS = ("shared", "sum", "mean")
STATES = ("auto", "environment", "observations")

OVERCOOKED_LAYOUTS = (
    "cramped_room",
    "asymm_advantages",
    "coord_ring",
    "forced_coord",
    "counter_circuit",
)
OVERCOOKED_V2_LAYOUTS = (
    *OVERCOOKED_LAYOUTS,
    "cramped_room_v2",
    "asymm_advantages_recipes_center",
    "asymm_advantages_recipes_right",
    "asymm_advantages_recipes_left",
    "two_rooms",
    "two_rooms_both",
    "long_room",
    "fun_coordination",
    "more_fun_coordination",
    "fun_symmetries",
    "fun_symmetries_plates",
    "fun_symmetries1",
    "grounded_coord_simple",
    "grounded_coord_ring",
    "test_time_simple",
    "test_time_wide",
    "demo_cook_simple",
    "demo_cook_wide",
)


def _setting(default: Any, accepts: Callable[[Any], bool], what: str) -> Any:
    return field(default=default, metadata={"accepts": accepts, "what": what})


def _choice(default: str, choices: tuple[str, ...]) -> Any:
    return _setting(default, lambda value: value in choices, f"one of {', '.join(choices)}")


def _whole(default: int, least: int = 1) -> Any:
    return _setting(
        default,
        lambda value: type(value) is int and value >= least,
        f"a whole number from {least} up",
    )


def _flag(default: bool) -> Any:
    return _setting(default, lambda value: isinstance(value, bool), "true or false")


def _fraction(default: float) -> Any:
    return _setting(
        default,
        lambda value: type(value) in (int, float) and 0.0 <= value <= 1.0,
        "a number from 0 to 1",
    )


@dataclass(frozen=True)
class JaxmarlSettings:
    """What every JaxMARL environment can be told.

    Attributes:
        reward: The team reward. ``shared``: the one reward that all agents are given. ``sum`` or
            ``mean``: of the agents' own.
        state: The critic's state. ``environment``: the one that the environment gives.
            ``observations``: the agents' observations, one after the other. ``auto``: the first
            where there is one, else the second.

    Raises:
        UserError: If a value is of the wrong type or outside its range, or ``reward`` is ``shared``
            where agents are rewarded apart.
    """

    reward: str = _choice("shared", REWARDS)
    state: str = _choice("auto", STATES)

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not each.metadata["accepts"](value):
                raise UserError(f"{each.name} must be {each.metadata['what']}, not {value!r}")
        if self.reward == "shared" and not self.shares_reward:
            raise UserError(
                "reward must be sum or mean, not 'shared': these settings reward each agent apart"
            )

    @property
    def shares_reward(self) -> bool:
        """Whether all agents are given the same reward."""
        return True

    @property
    def max_episode_steps(self) -> int | None:
        """The most transitions of an episode; None where the rules alone end it."""
        limit: int | None = getattr(self, "max_steps", None)
        return limit

    def arguments(self) -> dict[str, Any]:
        """What JaxMARL's own constructor is given."""
        ours = {each.name for each in fields(JaxmarlSettings)}
        return {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ours
        }


@dataclass(frozen=True)
class WorldSettings(JaxmarlSettings):
    """A world of particles that push and pull (MPE).

    Attributes:
        max_steps: JaxMARL's time limit. It counts before it steps, so an episode is cut off at
            ``max_steps + 1`` transitions.
    """

    max_steps: int = _whole(25)

    @property
    def max_episode_steps(self) -> int:
        """The most transitions of an episode."""
        return self.max_steps + 1


@dataclass(frozen=True)
class FixedWorldSettings(JaxmarlSettings):
    """A world whose settings JaxMARL fixes."""

    @property
    def max_episode_steps(self) -> int:
        """The most transitions of an episode."""
        return WorldSettings().max_episode_steps


@dataclass(frozen=True)
class PursuitSettings(WorldSettings):
    """Pursuers of a scripted prey.

    Attributes:
        num_adversaries: How many pursue; they are the team.
        num_good_agents: How many flee.
        num_landmarks: How many obstacles stand about.
    """

    num_adversaries: int = _whole(3)
    num_good_agents: int = _whole(1)
    num_landmarks: int = _whole(2)


@dataclass(frozen=True)
class ParticleSettings(WorldSettings):
    """Particles that a team steers.

    Attributes:
        action_type: ``discrete`` or ``continuous``.
    """

    action_type: str = _choice("discrete", ("discrete", "continuous"))

    def arguments(self) -> dict[str, Any]:
        """What JaxMARL's own constructor is given."""
        return {**super().arguments(), "action_type": self.action_type.capitalize()}


@dataclass(frozen=True)
class ReferenceSettings(ParticleSettings):
    """Each agent knows where the other is to go.

    Attributes:
        reward: The sum by default, as in the original environment.
        local_ratio: The weight of an agent's own reward against the team's.
    """

    reward: str = _choice("sum", REWARDS)
    local_ratio: float = _fraction(0.5)

    @property
    def shares_reward(self) -> bool:
        """Whether only the team's part counts."""
        return self.local_ratio == 0


@dataclass(frozen=True)
class SpreadSettings(ReferenceSettings):
    """The team is to cover the landmarks without collisions.

    Attributes:
        num_agents: The team's size.
        num_landmarks: How many places there are to cover.
    """

    num_agents: int = _whole(3, least=2)
    num_landmarks: int = _whole(3)


@dataclass(frozen=True)
class OvercookedSettings(JaxmarlSettings):
    """Two cooks in a kitchen.

    Attributes:
        layout: The kitchen, one of :data:`OVERCOOKED_LAYOUTS`.
        random_reset: Whether places, hands and pots are drawn anew for each episode.
        max_steps: The time limit.
    """

    layout: str = _choice("cramped_room", OVERCOOKED_LAYOUTS)
    random_reset: bool = _flag(False)
    max_steps: int = _whole(400)

    def arguments(self) -> dict[str, Any]:
        """What JaxMARL's own constructor is given: the kitchen itself, not its name."""
        layouts = import_quietly("jaxmarl.environments.overcooked.layouts").overcooked_layouts
        return {**super().arguments(), "layout": layouts[self.layout]}


@dataclass(frozen=True)
class OvercookedV2Settings(JaxmarlSettings):
    """Cooks in a kitchen, with recipes to find out.

    Attributes:
        layout: The kitchen, one of :data:`OVERCOOKED_V2_LAYOUTS`.
        agent_view_size: How far a cook sees in each direction; None for everything.
        random_reset: Whether places, hands and pots are drawn anew for each episode.
        random_agent_positions: Whether places alone are.
        negative_rewards: Whether a wrong dish costs.
        sample_recipe_on_delivery: Whether each delivery changes the recipe.
        max_steps: The time limit.
    """

    layout: str = _choice("cramped_room", OVERCOOKED_V2_LAYOUTS)
    agent_view_size: int | None = _setting(
        None,
        lambda value: value is None or (type(value) is int and value >= 1),
        "a whole number from 1 up, or null for everything",
    )
    random_reset: bool = _flag(False)
    random_agent_positions: bool = _flag(False)
    negative_rewards: bool = _flag(False)
    sample_recipe_on_delivery: bool = _flag(False)
    max_steps: int = _whole(400)


@dataclass(frozen=True)
class SwitchRiddleSettings(JaxmarlSettings):
    """Prisoners who share a light bulb.

    Attributes:
        num_agents: How many there are; they have ``4 num_agents - 6`` days.
    """

    num_agents: int = _whole(3, least=3)

    @property
    def max_episode_steps(self) -> int:
        """The time limit that JaxMARL fixes."""
        return 4 * self.num_agents - 6


@dataclass(frozen=True)
class HanabiSettings(JaxmarlSettings):
    """The card game; JaxMARL has no time limit for it.

    Attributes:
        num_agents: How many play, 2 to 5.
    """

    num_agents: int = _setting(
        2, lambda value: type(value) is int and 2 <= value <= 5, "a whole number from 2 to 5"
    )


@dataclass(frozen=True)
class JaxnavSettings(JaxmarlSettings):
    """Robots find their way past walls and each other.

    Attributes:
        reward: The mean by default, the environment's own measure of a team.
        num_agents: How many robots.
        rew_lambda: The weight of a robot's own reward against the team's.
        max_steps: The time limit.
    """

    reward: str = _choice("mean", REWARDS)
    num_agents: int = _whole(2)
    rew_lambda: float = _fraction(0.5)
    max_steps: int = _whole(500)

    @property
    def shares_reward(self) -> bool:
        """Whether only the team's part counts."""
        return self.rew_lambda == 0
