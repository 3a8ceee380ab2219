"""Settings of JaxMARL's environments, checked without importing JaxMARL."""

from dataclasses import dataclass, fields
from typing import Any

from gpae.environments.quiet_import import import_quietly
from gpae.environments.settings_fields import (
    CheckedSettings,
    choice,
    flag,
    fraction,
    setting,
    whole,
)
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


@dataclass(frozen=True)
class JaxmarlSettings(CheckedSettings):
    """Settings of every JaxMARL environment.

    Attributes:
        reward: The team reward. ``shared``: the one reward that all agents receive. ``sum`` or
            ``mean``: of the agents' rewards.
        state: The global state. ``environment``: the environment's own. ``observations``: the
            agents' observations concatenated. ``auto``: the former if there is one, else the
            latter.

    Raises:
        UserError: If a value is of the wrong type or outside its range, or ``reward`` is ``shared``
            although each agent has a reward of its own.
    """

    reward: str = choice("shared", REWARDS)
    state: str = choice("auto", STATES)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.reward == "shared" and not self.shares_reward:
            raise UserError(
                "reward must be sum or mean, not 'shared': each agent has a reward of its own here"
            )

    @property
    def shares_reward(self) -> bool:
        """True if all agents receive the same reward."""
        return True

    @property
    def max_episode_steps(self) -> int | None:
        """Largest number of transitions of an episode; None for no time limit."""
        limit: int | None = getattr(self, "max_steps", None)
        return limit

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of JaxMARL's constructor."""
        ours = {each.name for each in fields(JaxmarlSettings)}
        return {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ours
        }


@dataclass(frozen=True)
class WorldSettings(JaxmarlSettings):
    """Settings of a multi-particle environment (MPE).

    Attributes:
        max_steps: JaxMARL's time limit. It is checked before the step, so an episode is truncated
            after ``max_steps + 1`` transitions.
    """

    max_steps: int = whole(25)

    @property
    def max_episode_steps(self) -> int:
        """Largest number of transitions of an episode."""
        return self.max_steps + 1


@dataclass(frozen=True)
class FixedWorldSettings(JaxmarlSettings):
    """Settings of a multi-particle environment that JaxMARL fixes."""

    @property
    def max_episode_steps(self) -> int:
        """Largest number of transitions of an episode."""
        return WorldSettings().max_episode_steps


@dataclass(frozen=True)
class PursuitSettings(WorldSettings):
    """Settings of predator-prey with scripted prey.

    Attributes:
        num_adversaries: Number of predators; they are the team.
        num_good_agents: Number of prey.
        num_landmarks: Number of obstacles.
    """

    num_adversaries: int = whole(3)
    num_good_agents: int = whole(1)
    num_landmarks: int = whole(2)


@dataclass(frozen=True)
class ParticleSettings(WorldSettings):
    """Settings of a multi-particle environment with a choice of action space.

    Attributes:
        action_type: ``discrete`` or ``continuous``.
    """

    action_type: str = choice("discrete", ("discrete", "continuous"))

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of JaxMARL's constructor."""
        return {**super().arguments(), "action_type": self.action_type.capitalize()}


@dataclass(frozen=True)
class ReferenceSettings(ParticleSettings):
    """Settings of the reference game: each agent knows the other one's target.

    Attributes:
        reward: The sum by default, as in the original environment.
        local_ratio: Weight of an agent's own reward; the team's has ``1 - local_ratio``.
    """

    reward: str = choice("sum", REWARDS)
    local_ratio: float = fraction(0.5)

    @property
    def shares_reward(self) -> bool:
        """True if the agents' own rewards have weight 0."""
        return self.local_ratio == 0


@dataclass(frozen=True)
class SpreadSettings(ReferenceSettings):
    """Settings of spread: the team covers the landmarks without collisions.

    Attributes:
        num_agents: The team's size.
        num_landmarks: Number of landmarks to cover.
    """

    num_agents: int = whole(3, least=2)
    num_landmarks: int = whole(3)


@dataclass(frozen=True)
class OvercookedSettings(JaxmarlSettings):
    """Settings of Overcooked: two cooks in a kitchen.

    Attributes:
        layout: The kitchen's layout, one of :data:`OVERCOOKED_LAYOUTS`.
        random_reset: Whether each episode draws positions, held items and pot contents.
        max_steps: The time limit.
    """

    layout: str = choice("cramped_room", OVERCOOKED_LAYOUTS)
    random_reset: bool = flag(False)
    max_steps: int = whole(400)

    def arguments(self) -> dict[str, Any]:
        """Keyword arguments of JaxMARL's constructor, with the layout in place of its name."""
        layouts = import_quietly("jaxmarl.environments.overcooked.layouts").overcooked_layouts
        return {**super().arguments(), "layout": layouts[self.layout]}


@dataclass(frozen=True)
class OvercookedV2Settings(JaxmarlSettings):
    """Settings of OvercookedV2: cooks in a kitchen, with recipes to infer.

    Attributes:
        layout: The kitchen's layout, one of :data:`OVERCOOKED_V2_LAYOUTS`.
        agent_view_size: Cells a cook observes in each direction; None for the whole kitchen.
        random_reset: Whether each episode draws positions, held items and pot contents.
        random_agent_positions: Whether each episode draws positions alone.
        negative_rewards: Whether delivering a wrong dish has a negative reward.
        sample_recipe_on_delivery: Whether each delivery draws a new recipe.
        max_steps: The time limit.
    """

    layout: str = choice("cramped_room", OVERCOOKED_V2_LAYOUTS)
    agent_view_size: int | None = setting(
        None,
        lambda value: value is None or (type(value) is int and value >= 1),
        "a whole number from 1 up, or null for the whole kitchen",
    )
    random_reset: bool = flag(False)
    random_agent_positions: bool = flag(False)
    negative_rewards: bool = flag(False)
    sample_recipe_on_delivery: bool = flag(False)
    max_steps: int = whole(400)


@dataclass(frozen=True)
class SwitchRiddleSettings(JaxmarlSettings):
    """Settings of the switch riddle: prisoners who share a light bulb.

    Attributes:
        num_agents: Number of prisoners; the time limit is ``4 num_agents - 6`` steps.
    """

    num_agents: int = whole(3, least=3)

    @property
    def max_episode_steps(self) -> int:
        """The time limit that JaxMARL fixes."""
        return 4 * self.num_agents - 6


@dataclass(frozen=True)
class HanabiSettings(JaxmarlSettings):
    """Settings of the card game Hanabi, which has no time limit in JaxMARL.

    Attributes:
        num_agents: Number of players, 2 to 5.
    """

    num_agents: int = setting(
        2, lambda value: type(value) is int and 2 <= value <= 5, "a whole number from 2 to 5"
    )


@dataclass(frozen=True)
class JaxnavSettings(JaxmarlSettings):
    """Settings of JaxNav: robots navigate past walls and each other.

    Attributes:
        reward: The mean by default, the environment's own team measure.
        num_agents: Number of robots.
        rew_lambda: Weight of a robot's own reward; the team's has ``1 - rew_lambda``.
        max_steps: The time limit.
    """

    reward: str = choice("mean", REWARDS)
    num_agents: int = whole(2)
    rew_lambda: float = fraction(0.5)
    max_steps: int = whole(500)

    @property
    def shares_reward(self) -> bool:
        """True if the agents' own rewards have weight 0."""
        return self.rew_lambda == 0
