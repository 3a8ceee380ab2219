"""A small environment with known episodes, and cheap compilation for the expensive one."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step

TIME_LIMIT = 4
LIFETIMES = jnp.array([99, 2, 99])


@dataclasses.dataclass(frozen=True)
class Countdown:
    """Three agents; an episode ends after its own length, 2 to 5, or is cut off after 4 steps.

    Agent 1 dies after two steps. The reward spells the actions out (as digits) and adds luck.
    """

    spec = EnvironmentSpec("test/countdown", 3, 2, 2, DiscreteActions(6), TIME_LIMIT, ("finished",))

    def reset(self, key):
        state = {"time": jnp.array(0, jnp.int32), "length": jax.random.randint(key, (), 2, 6)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        state = {**state, "time": state["time"] + 1}
        terminated = state["time"] >= state["length"]
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=actions @ jnp.array([1.0, 10.0, 100.0]) + jax.random.uniform(key),
            terminated=terminated,
            truncated=~terminated & (state["time"] >= TIME_LIMIT),
            outcomes={"finished": terminated.astype(jnp.float32)},
            forced=jnp.zeros(3, bool),
        )

    def observation(self, state):
        time = state["time"]
        return Observation(
            observations=jnp.stack([jnp.full(3, time), jnp.arange(3)], axis=1).astype(jnp.float32),
            state=jnp.stack([time, state["length"]]).astype(jnp.float32),
            available_actions=jnp.ones((3, 6), bool),
            alive=time < LIFETIMES,
        )


@pytest.fixture
def countdown():
    return Countdown()


@pytest.fixture(scope="session")
def quickly_compiled():
    """``jax.jit`` with little optimisation: SMAX compiles for longer than it runs here."""
    options = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}
    return lambda function: jax.jit(function, compiler_options=options)
