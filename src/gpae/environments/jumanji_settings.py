"""Settings of Jumanji's teams, checked without importing Jumanji."""

from dataclasses import dataclass, field, fields, make_dataclass
from typing import Any, TypeVar

from gpae.environments.settings_fields import CheckedSettings, choice, flag, setting, whole
from gpae.errors import UserError

REWARDS = ("sum", "mean", "agents")

_MOST_AGENTS = 127


def _agents(default: int) -> Any:
    return setting(
        default,
        lambda value: type(value) is int and 1 <= value <= _MOST_AGENTS,
        f"a whole number from 1 to {_MOST_AGENTS}",
    )


@dataclass(frozen=True)
class JumanjiSettings(CheckedSettings):
    """Settings of every Jumanji environment.

    Attributes:
        state: The global state. ``environment``: all that the environment holds. ``observations``:
            the agents' observations.
        max_steps: The time limit.
        num_agents: The team's size.
    """

    state: str = choice("environment", ("environment", "observations"))
    max_steps: int = whole(100)
    num_agents: int = _agents(2)


@dataclass(frozen=True)
class RwareSettings(JumanjiSettings):
    """Settings of RobotWarehouse: robots bring requested shelves to a goal, and back.

    Attributes:
        max_steps: The time limit.
        shelf_rows: Rows of shelf clusters.
        shelf_columns: Columns of shelf clusters, an odd number.
        column_height: Height of a cluster; it is two shelves wide.
        num_agents: Number of robots.
        sensor_range: Cells that a robot sees in each direction.
        request_queue_size: Number of shelves requested at a time.
    """

    max_steps: int = whole(500)
    shelf_rows: int = whole(2)
    shelf_columns: int = setting(
        3, lambda value: type(value) is int and value >= 1 and value % 2 == 1, "an odd number"
    )
    column_height: int = whole(8)
    num_agents: int = _agents(4)
    sensor_range: int = whole(1)
    request_queue_size: int = whole(8)


@dataclass(frozen=True)
class LbfSettings(JumanjiSettings):
    """Settings of level-based foraging: agents lift food that may be too heavy for one.

    Attributes:
        reward: The reward: ``sum`` or ``mean`` of the agents', or ``agents``, to each its own.
        grid_size: Side of the square floor.
        fov: Cells that an agent sees in each direction.
        num_agents: Number of agents.
        num_food: Number of foods.
        max_agent_level: Highest level of an agent.
        force_coop: Whether each food needs the whole team.
        penalty: Reward lost where too few agents lift.
        observation: ``vector``, or ``grid``, an image.
    """

    reward: str = choice("sum", REWARDS)
    grid_size: int = whole(8, 5)
    fov: int = whole(8)
    num_agents: int = _agents(2)
    num_food: int = whole(2)
    max_agent_level: int = whole(2, 2)
    force_coop: bool = flag(True)
    penalty: float = setting(
        0.0, lambda value: type(value) in (int, float) and value >= 0, "a number from 0 up"
    )
    observation: str = choice("vector", ("vector", "grid"))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fov > self.grid_size:
            raise UserError(f"fov={self.fov} must be at most grid_size={self.grid_size}")
        if (self.grid_size - 2) ** 2 - self.num_agents <= 5 * self.num_food:
            raise UserError(
                f"grid_size={self.grid_size} is too small for {self.num_agents} agents and "
                f"{self.num_food} foods"
            )


@dataclass(frozen=True)
class ConnectorSettings(JumanjiSettings):
    """Settings of Connector: each agent draws a path to its target, and none may cross.

    Attributes:
        max_steps: The time limit.
        reward: The reward: ``sum`` or ``mean`` of the agents', or ``agents``, to each its own.
        grid_size: Side of the square board.
        num_agents: Number of agents.
    """

    max_steps: int = whole(50)
    reward: str = choice("sum", REWARDS)
    grid_size: int = whole(10, 3)
    num_agents: int = _agents(10)

    def __post_init__(self) -> None:
        super().__post_init__()
        if 2 * self.num_agents > self.grid_size**2:
            raise UserError(
                f"grid_size={self.grid_size} is too small for {self.num_agents} agents with a "
                "target each"
            )


@dataclass(frozen=True)
class CleanerSettings(JumanjiSettings):
    """Settings of Cleaner: agents clean the floor of a maze.

    Attributes:
        grid_size: Side of the square maze.
        num_agents: Number of agents.
        penalty_per_timestep: Reward lost on each step.
    """

    grid_size: int = whole(10, 3)
    num_agents: int = _agents(3)
    penalty_per_timestep: float = setting(
        0.5, lambda value: type(value) in (int, float) and value >= 0, "a number from 0 up"
    )


Settings = TypeVar("Settings", bound=JumanjiSettings)


def with_defaults(settings: type[Settings], **defaults: Any) -> type[Settings]:
    """The same settings with some other defaults, as a scenario's."""
    kinds = {each.name: each for each in fields(settings)}
    changed = [
        (name, kinds[name].type, field(default=value, metadata=kinds[name].metadata))
        for name, value in defaults.items()
    ]
    made: type[Settings] = make_dataclass(
        settings.__name__,
        changed,
        bases=(settings,),
        frozen=True,
        namespace={"__module__": settings.__module__, "__doc__": settings.__doc__},
    )
    return made
