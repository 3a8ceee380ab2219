"""The settings of collection, of the replay window and of evaluation."""

from dataclasses import dataclass

from gpae.fields import choice, whole

WINDOW_MODES = ("constant_batch", "growing_batch")
EVALUATION_MODES = ("greedy", "sampled", "both")


@dataclass
class RolloutSettings:
    """Amount of experience collected in an iteration.

    Attributes:
        environments: Environments of the update batch; with ``window.mode=constant_batch`` a window
            of M rollouts collects from environments / M of them.
        steps: Steps T of each environment an iteration.
        shaping_steps: Environment steps over which shaped rewards, where a task has them, are added
            to the rewards with a coefficient that falls from 1 to 0; 0 for none.
    """

    environments: int = whole(128, 1)
    steps: int = whole(128, 1)
    shaping_steps: float = whole(0, 0)


@dataclass
class WindowSettings:
    """The replay window of the last M rollouts.

    Attributes:
        length: Number M of rollouts an update sees; 1 is on-policy.
        mode: ``constant_batch`` keeps the update batch at environments x steps, so gradient steps
            for an environment step grow M-fold; ``growing_batch`` keeps the environments, so the
            batch grows.
    """

    length: int = whole(1, 1)
    mode: str = choice("constant_batch", WINDOW_MODES)


@dataclass
class EvaluationSettings:
    """Separate evaluation episodes.

    Attributes:
        interval: Environment steps between evaluations.
        episodes: Episodes of each evaluation; 0 for no evaluations at all.
        max_steps: Steps after which an episode without an end is cut off; longer time limits hold.
        mode: ``greedy`` (most likely actions), ``sampled`` or ``both``; the first one run is the
            headline.
        absolute: At the end, evaluate the best parameters on ten times as many episodes.
    """

    interval: float = whole(5e5, 1)
    episodes: int = whole(128, 0)
    max_steps: int = whole(10_000, 1)
    mode: str = choice("greedy", EVALUATION_MODES)
    absolute: bool = True
