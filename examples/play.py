"""One episode with what a run has learnt: ``python examples/play.py RUN``.

The policy comes from the run's folder alone; only the environment needs its package.
"""

import sys
from pathlib import Path

import jax

import gpae
from gpae.config.compose import from_dict
from gpae.environments import make
from gpae.runs import RunFolder


def play(folder: Path, seed: int = 0) -> tuple[float, int]:
    """Play an episode greedily with a run's best parameters; its return and its length."""
    policy = gpae.load_policy(folder, best=True)
    config = from_dict(RunFolder.open(folder).config)
    environment = make(config.task_name, **config.task_settings)
    step = jax.jit(environment.step)
    state, seen = environment.reset(jax.random.key(seed))
    hidden_state = policy.initial_state()
    total, length, over = 0.0, 0, False
    while not over:
        actions, hidden_state = policy.act(seen.observations, seen.available_actions, hidden_state)
        state, taken = step(jax.random.key(length), state, actions)
        seen, length, total = taken.observation, length + 1, total + float(taken.team_reward)
        over = bool(taken.boundary)
    return total, length


if __name__ == "__main__":
    total, length = play(Path(sys.argv[1]))
    print(f"return {total:.3f} in {length} steps")
