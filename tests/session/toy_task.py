"""A tiny task, and the command line with it: ``python toy_task.py train task=toy/beacon``.

Two agents see the beacon's place and score when both name it; episodes end by chance or after six
steps. As a script, every compiled call takes TOY_PAUSE seconds longer, for signals to arrive in.
"""

import os
import runpy
import time
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from gpae.environments import (
    DiscreteActions,
    EnvironmentSpec,
    Observation,
    Step,
    register,
    task_names,
)
from gpae.errors import UserError

AGENTS, PLACES, LIMIT = 2, 3, 6


@dataclass(frozen=True)
class BeaconSettings:
    bonus: float = 0.1

    def __post_init__(self):
        if not 0.0 <= self.bonus <= 1.0:
            raise UserError(f"bonus must be from 0 to 1, not {self.bonus!r}")


@dataclass(frozen=True)
class Beacon:
    settings: BeaconSettings = BeaconSettings()

    @property
    def spec(self):
        return EnvironmentSpec(
            "toy/beacon",
            AGENTS,
            PLACES + 1,
            PLACES + 1,
            DiscreteActions(PLACES),
            LIMIT,
            ("hit",),
            early_truncation=False,
            shaped_rewards=True,
        )

    def reset(self, key):
        state = {"time": jnp.int32(0), "place": jax.random.randint(key, (), 0, PLACES)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        place_key, end_key = jax.random.split(key)
        right = actions == state["place"]
        hit = jnp.all(right).astype(jnp.float32)
        state = {
            "time": state["time"] + 1,
            "place": jax.random.randint(place_key, (), 0, PLACES),
        }
        terminated = jax.random.bernoulli(end_key, 0.1)
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=hit + self.settings.bonus * (actions == 1).sum(),
            terminated=terminated,
            truncated=~terminated & (state["time"] >= LIMIT),
            outcomes={"hit": hit},
            forced=jnp.zeros(AGENTS, bool),
            shaped_reward=right.mean(dtype=jnp.float32),
        )

    def render(self, state):
        """A light place, the beacon's, among the dark ones."""
        picture = np.zeros((1, PLACES, 3), np.uint8)
        picture[0, state["place"]] = 255
        return picture

    def observation(self, state):
        seen = jnp.append(jax.nn.one_hot(state["place"], PLACES), state["time"] / LIMIT)
        return Observation(
            observations=jnp.tile(seen, (AGENTS, 1)),
            state=seen,
            available_actions=jnp.ones((AGENTS, PLACES), bool),
            alive=jnp.ones(AGENTS, bool),
        )


if "toy/beacon" not in task_names():
    register("toy/beacon", Beacon, settings=BeaconSettings, description="two agents, three places")


def slow_down(seconds):
    from gpae.training.population import Population

    run = Population.run

    def slow_run(self, state, count):
        time.sleep(seconds)
        return run(self, state, count)

    Population.run = slow_run


if __name__ == "__main__":
    slow_down(float(os.environ.get("TOY_PAUSE", "0")))
    runpy.run_module("gpae.cli", run_name="__main__")
