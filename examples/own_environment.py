"""A task of one's own, and the whole command line with it.

    python examples/own_environment.py                                    trains GPAE on it
    python examples/own_environment.py train task=mine/meeting method=mappo total_env_steps=2e4
    gpae train --import own_environment task=mine/meeting       in this folder

Two agents on a ring see each other. Each step they stay or move by one place, and the team pays 1
until they meet. The best that they can do is -1.43 an episode on average.
"""

import sys

import jax
import jax.numpy as jnp

from gpae.cli import main
from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step, register

PLACES, LIMIT = 8, 20


class Meeting:
    # name, agents, sizes of an observation and of the global state, actions, time limit
    spec = EnvironmentSpec("mine/meeting", 2, 2 * PLACES, 2 * PLACES, DiscreteActions(3), LIMIT)

    def reset(self, key):
        places = jax.random.choice(key, PLACES, (2,), replace=False)
        state = {"places": places, "time": jnp.int32(0)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        state = {"places": (state["places"] + actions - 1) % PLACES, "time": state["time"] + 1}
        met = state["places"][0] == state["places"][1]
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=jnp.float32(-1.0),
            terminated=met,
            truncated=~met & (state["time"] >= LIMIT),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self, state):
        seen = jax.nn.one_hot(state["places"], PLACES)
        return Observation(
            observations=jnp.stack([seen.ravel(), seen[::-1].ravel()]),  # one's own place first
            state=seen.ravel(),
            available_actions=jnp.ones((2, 3), bool),
            alive=jnp.ones(2, bool),
        )


register("mine/meeting", Meeting, description="two agents on a ring", num_agents=2)

SETTINGS = (
    "train task=mine/meeting method=gpae window.length=1 total_env_steps=4e4 "
    "rollout.environments=64 rollout.steps=16 network.core=feedforward network.hidden_size=32 "
    "evaluation.interval=2e4 evaluation.mode=sampled"
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or SETTINGS.split()))
