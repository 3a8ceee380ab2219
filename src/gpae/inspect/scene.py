"""The scene of an episode as data, which the page draws: units, pictures, or none."""

import base64
import io
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from gpae.environments import Environment, ForcedStop, HasPicture, HasUnits, Units
from gpae.episodes import Episode, Pictures, scene_of
from gpae.inspect.arrays import packed

SHAPES = {
    "marauder": "square",
    "stalker": "diamond",
    "zealot": "triangle",
    "zergling": "triangle",
    "hydralisk": "hexagon",
}
"""Shapes of the kinds of units that are no circles."""

MOST_PICTURES = 250
"""Pictures of an episode; of a longer one every second or third moment, and so on, is drawn."""


def episode_scene(environment: Environment, episode: Episode) -> dict[str, Any]:
    """The drawing data of an episode; of kind ``none`` where an environment shows nothing.

    Args:
        environment: The environment.
        episode: The episode.
    """
    scene = _scene(environment, episode)
    if isinstance(scene, Units):
        return _units(scene)
    if scene is None:
        return {"kind": "none"}
    every = -(-len(scene) // MOST_PICTURES)
    pictures = [_address(scene[moment]) for moment in range(0, len(scene), every)]
    return {"kind": "frames", "every": every, "frames": pictures}


def unit_names(environment: Environment, episode: Episode) -> list[str] | None:
    """The kinds of the agents' units, one an agent; None where there are none.

    Args:
        environment: The environment.
        episode: The episode.
    """
    scene = _scene(environment, episode)
    if not isinstance(scene, Units):
        return None
    kinds = dict(zip(scene.agents.tolist(), scene.kinds, strict=True))
    return [kinds.get(agent, "") for agent in range(environment.spec.num_agents)]


def action_names(environment: Environment) -> list[str] | None:
    """The environment's own names of its discrete actions, ``action_names``, if it has any.

    Args:
        environment: The environment.
    """
    names = getattr(_bare(environment), "action_names", None)
    return None if names is None else [str(name) for name in names]


def _scene(environment: Environment, episode: Episode) -> Units | Pictures | None:
    if isinstance(_bare(environment), HasUnits | HasPicture):
        return scene_of(environment, episode.states)
    return None


def _bare(environment: Environment) -> Environment:
    while isinstance(environment, ForcedStop):
        environment = environment.environment
    return environment


def _units(units: Units) -> dict[str, Any]:
    """Units that are gone have no health."""
    health = np.ones(units.alive.shape) if units.health is None else units.health
    return {
        "kind": "units",
        "positions": packed(units.positions),
        "health": packed(np.where(units.alive, health, 0.0)),
        "has_health": units.health is not None,
        "radii": [float(radius) for radius in units.radii],
        "shapes": [SHAPES.get(kind, "circle") for kind in units.kinds],
        "sides": list(units.sides),
        "agents": units.agents.tolist(),
        "targets": None if units.targets is None else packed(units.targets),
        "notes": list(units.notes),
    }


def _address(picture: UInt8[np.ndarray, "H W 3"]) -> str:
    """A picture as a PNG of 256 colours in an address of its own."""
    contents = io.BytesIO()
    Image.fromarray(picture).quantize(256).save(contents, format="png", optimize=True)
    return "data:image/png;base64," + base64.b64encode(contents.getvalue()).decode()
