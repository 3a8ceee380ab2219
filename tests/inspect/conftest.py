"""A made-up document of every kind of thing that the page can show, and pages of it."""

from dataclasses import dataclass

import numpy as np
import pytest

from gpae.inspect.arrays import packed

ESTIMATORS = ("gpae", "gpae, lambda 0", "gpae, lambda 1")
FORCED_STEP, FORCED_AGENT = 4, 1


@dataclass(frozen=True)
class Made:
    """A document and the arrays in it, as they were before they were packed."""

    document: dict
    episodes: list[dict]


def make(agents, enemies, steps, truth_every, episodes, seed=0):
    rng = np.random.default_rng(seed)
    made = [
        make_episode(rng, agents, enemies, steps, np.arange(0, steps, truth_every, dtype=np.int32))
        for _ in range(episodes)
    ]
    document = {
        "format": 1,
        "task": "smax/made up",
        "subtitle": "gpae after 10 updates",
        "agents": agents,
        "action_names": ["north", "east", "south", "west", "stop", "attack <enemy> 0"],
        "digits": 3,
        "sources": [
            source("gpae", note="the run's own estimator"),
            source("truth", truth=True),
            source(ESTIMATORS[1]),
            source(ESTIMATORS[2]),
            source("ratio", weight=True, base=1),
            source("trace", weight=True, base=1),
        ],
        "shown": ["gpae", "gpae, lambda 0", "truth", "ratio", "trace"],
        "notes": ["Made up."],
        "episodes": [documented(each, place) for place, each in enumerate(made)],
    }
    return Made(document, made)


def source(name, note="", truth=False, weight=False, base=0):
    return {
        "name": name,
        "label": name,
        "note": note,
        "truth": truth,
        "weight": weight,
        "base": base,
    }


def make_episode(rng, agents, enemies, steps, truth_steps):
    units = agents + enemies
    shape, measured = (steps, agents), (len(truth_steps), agents)
    forced = np.zeros(shape, bool)
    forced[FORCED_STEP, FORCED_AGENT] = True
    positions = rng.uniform(4, 12, size=(steps + 1, units, 2))
    positions[0, 0], positions[0, 1], positions[0, 2] = (8, 8), (4, 4), (12, 12)
    health = np.linspace(1, 0.2, steps + 1)[:, None] * np.ones(units)
    health[steps // 2 :, agents - 1] = 0
    return {
        "alive": health[:-1, :agents] > 0,
        "forced": forced,
        "actions": rng.integers(0, 6, size=shape),
        "rewards": rng.normal(size=steps),
        "probabilities": rng.uniform(size=shape),
        "advantages": {name: rng.normal(size=shape) for name in ESTIMATORS},
        "ratio": np.exp(rng.normal(size=shape)),
        "trace": rng.uniform(size=shape),
        "truth": {
            "steps": truth_steps,
            "advantages": rng.normal(size=measured),
            "errors": rng.uniform(0.01, 0.1, size=measured),
        },
        "alternatives": {
            "advantages": rng.normal(size=(*measured, 6)),
            "probabilities": rng.dirichlet(np.ones(6), size=measured),
        },
        "positions": positions,
        "health": health,
        "targets": rng.integers(-1, units, size=(steps, units)),
    }


def documented(episode, place):
    arrays = {
        name: {key: packed(each) for key, each in value.items()}
        if isinstance(value, dict)
        else packed(value)
        for name, value in episode.items()
    }
    agents, units = episode["alive"].shape[1], episode["positions"].shape[1]
    scene = {
        "kind": "units",
        "positions": arrays.pop("positions"),
        "health": arrays.pop("health"),
        "has_health": True,
        "radii": [0.4] * units,
        "shapes": (["circle", "square", "diamond", "triangle", "hexagon"] * units)[:units],
        "sides": ["team"] * agents + ["opponent"] * (units - agents),
        "agents": [*range(agents), *[-1] * (units - agents)],
        "targets": arrays.pop("targets"),
        "notes": [],
    }
    return {
        "length": len(episode["rewards"]),
        "label": f"{place + 1} · won",
        "description": "made up",
        "agreement": {"gpae": {"rank_correlation": 0.5, "sign_agreement": 0.75}},
        "scene": scene,
        "unit_names": ["marine"] * agents,
        **arrays,
    }


@pytest.fixture(scope="session")
def made():
    """Two episodes of twelve steps, three agents, truth every other step."""
    return make(agents=3, enemies=2, steps=12, truth_every=2, episodes=2)


@pytest.fixture(scope="session")
def made_large():
    """One episode of 27 agents and 1,000 steps."""
    return make(agents=27, enemies=30, steps=1000, truth_every=20, episodes=1)
