"""Jumanji's teams: their views as arrays of agents, and the scenarios that are tasks.

Importing this module does not import Jumanji, which takes seconds.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Int8

from gpae.environments.jumanji_settings import (
    CleanerSettings,
    ConnectorSettings,
    JumanjiSettings,
    LbfSettings,
    RwareSettings,
    with_defaults,
)
from gpae.environments.quiet_import import import_alone

_DIRTY, _WALL = 0, 2
_PATH, _POSITION, _TARGET = 1, 2, 3


@dataclass(frozen=True)
class Game:
    """A team of Jumanji's, by what differs between its environments.

    Attributes:
        description: One-line description for listings.
        make: Function from the settings and a time limit to Jumanji's environment.
        observations: Function from the environment's state and observation to the agents' own
            observations, [N, O] or images [N, H, W, C].
        state: Function from them to the global state, [S] or an image [H, W, C].
        outcomes: The episode's metrics by name, as functions of the environment's state.
        alive: Function from the action masks, [N, A], to the agents that can still act; None if all
            can.
    """

    description: str
    make: Callable[[Any, int], Any]
    observations: Callable[[Any, Any], Array]
    state: Callable[[Any, Any], Array]
    outcomes: Mapping[str, Callable[[Any], Float[Array, ""]]] = field(default_factory=dict)
    alive: Callable[[Bool[Array, "N A"]], Bool[Array, " N"]] | None = None


def _module(family: str, name: str = "env") -> Any:
    return import_alone(f"jumanji.environments.routing.{family}.{name}")


def _make_rware(settings: RwareSettings, time_limit: int) -> Any:
    generator = _module("robot_warehouse").RandomGenerator(
        shelf_rows=settings.shelf_rows,
        shelf_columns=settings.shelf_columns,
        column_height=settings.column_height,
        num_agents=settings.num_agents,
        sensor_range=settings.sensor_range,
        request_queue_size=settings.request_queue_size,
    )
    return _module("robot_warehouse").RobotWarehouse(generator, time_limit=time_limit)


def _make_lbf(settings: LbfSettings, time_limit: int) -> Any:
    generator = _module("lbf").RandomGenerator(
        grid_size=settings.grid_size,
        fov=settings.fov,
        num_agents=settings.num_agents,
        num_food=settings.num_food,
        max_agent_level=settings.max_agent_level,
        force_coop=settings.force_coop,
    )
    return _module("lbf").LevelBasedForaging(
        generator,
        time_limit=time_limit,
        grid_observation=settings.observation == "grid",
        penalty=settings.penalty,
    )


def _make_connector(settings: ConnectorSettings, time_limit: int) -> Any:
    generator = _module("connector").RandomWalkGenerator(
        grid_size=settings.grid_size, num_agents=settings.num_agents
    )
    return _module("connector").Connector(generator, time_limit=time_limit)


def _make_cleaner(settings: CleanerSettings, time_limit: int) -> Any:
    size = settings.grid_size
    generator = _module("cleaner").RandomGenerator(size, size, settings.num_agents)
    return _module("cleaner").Cleaner(
        generator, time_limit=time_limit, penalty_per_timestep=settings.penalty_per_timestep
    )


def _agents_view(state: Any, observation: Any) -> Array:
    """The vectors that Jumanji itself makes, or its images with the channels last."""
    view: Array = observation.agents_view
    return view if view.ndim == 2 else jnp.moveaxis(view, 1, -1)


def _rware_state(state: Any, observation: Any) -> Int[Array, " S"]:
    """The robots' observations in a row, then the floor: 1 for a shelf, 2 for a requested one."""
    shelves, height_and_width = state.shelves, state.grid.shape[1:]
    floor = jnp.zeros(height_and_width, jnp.int32)
    floor = floor.at[shelves.position.x, shelves.position.y].set(1 + shelves.is_requested)
    return jnp.concatenate([observation.agents_view.ravel(), floor.ravel()])


def _lbf_state(state: Any, observation: Any) -> Int[Array, " S"]:
    """Place and level of every food, zeros once it is eaten, then of every agent."""
    foods, agents = state.food_items, state.agents
    placed = [
        jnp.concatenate([each.position, each.level[:, None]], axis=1) for each in (foods, agents)
    ]
    placed[0] = placed[0] * ~foods.eaten[:, None]
    return jnp.concatenate(placed).ravel()


def _connector_observations(state: Any, observation: Any) -> Int8[Array, "N H W 6"]:
    """Path, position and target of the agent itself, then those of all others together."""
    grid = observation.grid
    kinds = jnp.stack([_connector_kind(grid, kind) for kind in (_PATH, _POSITION, _TARGET)], -1)
    agents = jnp.arange(len(observation.action_mask))[:, None, None]
    own = kinds & ((grid - 1) // 3 == agents)[..., None]
    return jnp.concatenate([own, kinds & ~own], axis=-1).astype(jnp.int8)


def _connector_kind(grid: Int[Array, "H W"], kind: int) -> Bool[Array, "H W"]:
    """Cells that hold some agent's path, position or target."""
    return (grid > 0) & ((grid - kind) % 3 == 0)


def _connector_state(state: Any, observation: Any) -> Int8[Array, "H W C"]:
    """Path, position and target of the first agent, of the second one, and so on."""
    values = jnp.arange(1, 3 * len(observation.action_mask) + 1)
    return (observation.grid[..., None] == values).astype(jnp.int8)


def _cleaner_observations(state: Any, observation: Any) -> Int8[Array, "N H W 4"]:
    """Dirty tiles, walls, the number of agents on each tile, and the agent itself."""
    grid, places = observation.grid, _cleaner_places(observation)
    shared = jnp.stack([grid == _DIRTY, grid == _WALL, places.sum(0)], -1).astype(jnp.int8)
    everyone = jnp.broadcast_to(shared, (len(places), *shared.shape))
    return jnp.concatenate([everyone, places[..., None]], axis=-1)


def _cleaner_places(observation: Any) -> Int8[Array, "N H W"]:
    """A map of each agent, 1 where it stands."""
    rows, columns = observation.agents_locations.T
    agents = jnp.arange(len(rows))
    empty = jnp.zeros((len(rows), *observation.grid.shape), jnp.int8)
    return empty.at[agents, rows, columns].set(1)


def _cleaner_state(state: Any, observation: Any) -> Int8[Array, "H W C"]:
    """Dirty tiles, walls, and the place of each agent in turn."""
    floor = jnp.stack([observation.grid == _DIRTY, observation.grid == _WALL], -1).astype(jnp.int8)
    places = jnp.moveaxis(_cleaner_places(observation), 0, -1)
    return jnp.concatenate([floor, places], axis=-1)


def _share_cleaned(state: Any) -> Float[Array, ""]:
    return 1.0 - jnp.sum(state.grid == _DIRTY) / jnp.sum(state.grid != _WALL)


GAMES: Mapping[str, Game] = {
    "rware": Game(
        "robots bring requested shelves to a goal", _make_rware, _agents_view, _rware_state
    ),
    "lbf": Game(
        "agents lift food, some of it together",
        _make_lbf,
        _agents_view,
        _lbf_state,
        {"eaten": lambda state: state.food_items.eaten.mean(dtype=jnp.float32)},
    ),
    "connector": Game(
        "agents draw paths to their targets, and none may cross",
        _make_connector,
        _connector_observations,
        _connector_state,
        {"connected": lambda state: state.agents.connected.mean(dtype=jnp.float32)},
        alive=lambda masks: masks[:, 1:].any(-1),
    ),
    "cleaner": Game(
        "agents clean the floor of a maze",
        _make_cleaner,
        _cleaner_observations,
        _cleaner_state,
        {"cleaned": _share_cleaned},
    ),
}
"""Jumanji's teams by the name of their family."""


def _rware(rows: int, agents: int, requests: int) -> type[JumanjiSettings]:
    return with_defaults(
        RwareSettings, shelf_rows=rows, num_agents=agents, request_queue_size=requests
    )


def _lbf(
    size: int, agents: int, food: int, *, sight: int | None = None, coop: bool = False
) -> type[JumanjiSettings]:
    return with_defaults(
        LbfSettings,
        grid_size=size,
        fov=sight or size,
        num_agents=agents,
        num_food=food,
        force_coop=coop,
    )


def _board(
    settings: type[ConnectorSettings] | type[CleanerSettings], size: int, agents: int
) -> type[JumanjiSettings]:
    limit = {} if settings is ConnectorSettings else {"max_steps": size**2}
    return with_defaults(settings, grid_size=size, num_agents=agents, **limit)


SCENARIOS: Mapping[str, type[JumanjiSettings]] = {
    "rware": RwareSettings,
    "rware-tiny-2ag": _rware(rows=1, agents=2, requests=2),
    "rware-tiny-4ag": _rware(rows=1, agents=4, requests=4),
    "rware-tiny-4ag-easy": _rware(rows=1, agents=4, requests=8),
    "rware-small-4ag": _rware(rows=2, agents=4, requests=4),
    "lbf": LbfSettings,
    "lbf-8x8-2p-2f-coop": _lbf(8, agents=2, food=2, coop=True),
    "lbf-2s-8x8-2p-2f-coop": _lbf(8, agents=2, food=2, sight=2, coop=True),
    "lbf-10x10-3p-3f": _lbf(10, agents=3, food=3),
    "lbf-2s-10x10-3p-3f": _lbf(10, agents=3, food=3, sight=2),
    "lbf-15x15-3p-5f": _lbf(15, agents=3, food=5),
    "lbf-15x15-4p-3f": _lbf(15, agents=4, food=3),
    "lbf-15x15-4p-5f": _lbf(15, agents=4, food=5),
    "connector": ConnectorSettings,
    "connector-5x5x3a": _board(ConnectorSettings, 5, agents=3),
    "connector-7x7x5a": _board(ConnectorSettings, 7, agents=5),
    "connector-10x10x10a": _board(ConnectorSettings, 10, agents=10),
    "connector-15x15x23a": _board(ConnectorSettings, 15, agents=23),
    "cleaner": CleanerSettings,
    "cleaner-5x5x2a": _board(CleanerSettings, 5, agents=2),
    "cleaner-10x10x3a": _board(CleanerSettings, 10, agents=3),
    "cleaner-15x15x5a": _board(CleanerSettings, 15, agents=5),
}
"""Scenarios, most of them Mava's, with their settings' defaults; a name begins with the family."""
