"""Scenes of episodes: units by their arrays, pictures as PNG, nothing where there is none."""

import base64
import io
from dataclasses import dataclass, field

import numpy as np
import pytest
from PIL import Image

from gpae.environments import DiscreteActions, EnvironmentSpec, Units
from gpae.inspect.arrays import unpacked
from gpae.inspect.scene import MOST_PICTURES, action_names, episode_scene, unit_names

SPEC = EnvironmentSpec("toy/seen", 2, 3, 3, DiscreteActions(2), 9)


@dataclass
class Recorded:
    """As much of a recorded episode as its scene needs."""

    states: np.ndarray


@dataclass
class Nothing:
    spec: EnvironmentSpec = SPEC


@dataclass
class Drawn(Nothing):
    """The picture of a moment is of one colour, which tells its number."""

    action_names: tuple = ("left", "right")

    def render(self, state):
        return np.full((2, 3, 3), [state % 256, state // 256, 7], np.uint8)


@dataclass
class InThePlane(Nothing):
    kinds: tuple = ("zealot", "marine", "rock")
    seen: list = field(default_factory=list)

    def units(self, states):
        self.seen.append(states)
        moments = len(states)
        return Units(
            positions=np.arange(moments * 6.0).reshape(moments, 3, 2),
            alive=np.array([[True, True, True], [True, False, True]]),
            radii=np.array([0.5, 0.4, 1.0]),
            sides=("team", "team", "landmark"),
            agents=np.array([1, 0, -1]),
            kinds=self.kinds,
            marks=("", "", ""),
            health=np.array([[1.0, 0.5, 1.0], [0.7, 0.5, 1.0]]),
        )


def pixels(address):
    contents = base64.b64decode(address.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(contents)).convert("RGB"))


def test_units_keep_their_arrays_and_the_dead_have_no_health():
    environment, episode = InThePlane(), Recorded(np.arange(2))
    scene = episode_scene(environment, episode)
    assert scene["kind"] == "units"
    assert environment.seen[0] is episode.states
    np.testing.assert_array_equal(
        unpacked(scene["positions"]), np.arange(12, dtype=np.float32).reshape(2, 3, 2)
    )
    expected = np.array([[1, 0.5, 1], [0.7, 0, 1]], np.float32)
    np.testing.assert_array_equal(unpacked(scene["health"]), expected)
    assert scene["agents"] == [1, 0, -1]
    assert scene["shapes"] == ["triangle", "circle", "circle"]
    assert scene["targets"] is None
    assert unit_names(environment, episode) == ["marine", "zealot"]


@pytest.mark.parametrize(("moments", "every"), [(5, 1), (MOST_PICTURES + 1, 2)])
def test_pictures_are_of_every_so_many_moments(moments, every):
    scene = episode_scene(Drawn(), Recorded(np.arange(moments)))
    assert (scene["kind"], scene["every"]) == ("frames", every)
    assert len(scene["frames"]) == -(-moments // every)
    np.testing.assert_array_equal(pixels(scene["frames"][2])[0, 0], [2 * every, 0, 7])
    assert pixels(scene["frames"][0]).shape == (2, 3, 3)


def test_an_environment_that_shows_nothing_has_no_scene():
    episode = Recorded(np.arange(3))
    assert episode_scene(Nothing(), episode) == {"kind": "none"}
    assert unit_names(Nothing(), episode) is None
    assert action_names(Nothing()) is None
    assert action_names(Drawn()) == ["left", "right"]
