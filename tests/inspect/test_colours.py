"""Agents' colours stand out from the page, and from each other for every kind of sight."""

import re

import numpy as np
import pytest

from gpae.environments.pictures import agent_colour
from gpae.inspect.page import _read

SIGHTS = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
"""Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB."""

OKABE_ITO = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00"]
THEMES = {"light": 0, "dark": 1}


def colours(theme, pattern):
    block = re.findall(r":root[^{]*\{(.*?)\}", _read("style.css"), re.DOTALL)[THEMES[theme]]
    return re.findall(rf"--{pattern}: (#[0-9a-f]{{6}})", block)


def linear(colour):
    parts = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def oklab(rgb):
    cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    axes = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(rgb @ cones.T) @ axes.T


def least_distance(palette, sight):
    seen = oklab(np.clip(np.array([linear(each) for each in palette]) @ np.array(sight).T, 0, 1))
    distances = np.linalg.norm(seen[:, None] - seen[None], axis=-1)
    return distances[np.triu_indices(len(palette), 1)].min()


def contrast(colour, other):
    light, dark = sorted(
        (float(linear(each) @ [0.2126, 0.7152, 0.0722]) for each in (colour, other)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
def test_eight_agents_are_as_far_apart_as_okabe_and_itos_six_colours(theme):
    palette = colours(theme, r"agent-\d")
    assert len(palette) == 8
    least = min(least_distance(OKABE_ITO, sight) for sight in SIGHTS.values())
    for name, sight in SIGHTS.items():
        assert least_distance(palette, sight) > least, name


def test_the_page_and_the_pictures_of_environments_share_their_colours():
    pictured = ["#{:02x}{:02x}{:02x}".format(*agent_colour(agent)) for agent in range(8)]
    assert colours("light", r"agent-\d") == pictured


@pytest.mark.parametrize("theme", THEMES)
def test_lines_and_words_can_be_read(theme):
    (card,), (paper,) = colours(theme, "card"), colours(theme, "paper")
    for colour in colours(theme, r"agent-\d"):
        assert contrast(colour, card) >= 3
    for name in ("ink", "quiet", "gain", "cost", "warn"):
        (colour,) = colours(theme, name)
        assert contrast(colour, card) >= 4.5, name
        assert contrast(colour, paper) >= 4.3, name
