"""The steps at which truth is simulated, and their cost."""

import numpy as np
from jaxtyping import Int

from gpae.environments import DiscreteActions, EnvironmentSpec

AFFORDABLE_EPISODES = 60_000
"""Simulated episodes up to which the truth of every step is taken by default."""

OWN_ACTION_SAMPLES = 16
"""Samples of an agent's continuous action that ``gpae.credit.true_credit`` draws by default."""


def episodes_a_step(spec: EnvironmentSpec, repetitions: int) -> int:
    """Episodes that the truth of one step takes.

    Args:
        spec: The environment's sizes.
        repetitions: Repetitions of the simulation.
    """
    discrete = isinstance(spec.actions, DiscreteActions)
    actions = spec.actions.size if discrete else OWN_ACTION_SAMPLES + 1
    return repetitions * (spec.num_agents * actions + 1)


def affordable_interval(steps: int, cost: int) -> int:
    """The least interval at which the truth of some steps stays affordable.

    Args:
        steps: Steps of all episodes.
        cost: Simulated episodes a step.
    """
    return max(1, -(-steps * cost // AFFORDABLE_EPISODES))


def chosen_steps(
    length: int, every: int, wanted: Int[np.ndarray, " W"] | None = None
) -> Int[np.ndarray, " S"]:
    """Every so many steps of an episode from its first, and some others, in order.

    Args:
        length: Steps of the episode.
        every: The interval.
        wanted: Further steps, such as those at which an action was forced.
    """
    regular = np.arange(0, length, every)
    steps = regular if wanted is None else np.union1d(regular, wanted)
    return steps.astype(np.int32)
