"""One episode with what a run has learnt: ``python examples/play.py RUN``.

The parts are those of the library, so this is where to begin a program that acts with a policy.
"""

import sys
from pathlib import Path

import jax
import jax.numpy as jnp

from gpae.config.compose import from_dict
from gpae.environments import make
from gpae.networks import apply_actor, initial_hidden_state
from gpae.runs import Checkpoints, RunFolder
from gpae.runs.system import System


def play(folder: Path, seed: int = 0) -> tuple[float, int]:
    """Play an episode greedily with a run's best parameters; its return and its length."""
    run = RunFolder.open(folder)
    config = from_dict(run.config)
    system = System(config)
    snapshot = Checkpoints(run.checkpoints_path).restore(system.snapshot_shapes())
    params = snapshot.best.params["actor"]  # the newest: snapshot.state.params["actor"]

    environment = make(config.task_name, **config.task_settings)
    state, observation = environment.reset(jax.random.key(seed))
    hidden_state = initial_hidden_state(system.learner.network, environment.spec.num_agents)
    step = jax.jit(environment.step)
    total, length, over = 0.0, 0, False
    while not over:
        hidden_states, policy = apply_actor(  # over time, here of one step
            system.learner.actor,
            params,
            hidden_state,
            observation.observations[None],
            observation.available_actions[None],
            jnp.array([length == 0]),
        )
        hidden_state = jax.tree.map(lambda leaf: leaf[0], hidden_states)
        actions = policy[0].executed(policy[0].mode())
        state, taken = step(jax.random.key(length), state, actions)
        observation, length, total = taken.observation, length + 1, total + float(taken.team_reward)
        over = bool(taken.boundary)
    return total, length


if __name__ == "__main__":
    total, length = play(Path(sys.argv[1]))
    print(f"return {total:.3f} in {length} steps")
