"""The settings of a training run, apart from task, method and network."""

from dataclasses import dataclass

WINDOW_MODES = ("constant_batch", "growing_batch")
EVALUATION_MODES = ("greedy", "sampled", "both")


@dataclass
class RolloutSettings:
    """How much is collected.

    Attributes:
        environments: Environments of the update batch; with ``window.mode=constant_batch`` a window
            of M rollouts collects from environments / M of them.
        steps: Steps T of each environment an iteration.
    """

    environments: int = 128
    steps: int = 128


@dataclass
class WindowSettings:
    """The replay window of the last M rollouts.

    Attributes:
        length: Number M of rollouts an update sees; 1 is on-policy.
        mode: ``constant_batch`` keeps the update batch at environments x steps, so gradient steps
            for an environment step grow M-fold; ``growing_batch`` keeps the environments, so the
            batch grows.
    """

    length: int = 1
    mode: str = "constant_batch"


@dataclass
class UpdateSettings:
    """The gradient steps of one iteration.

    Attributes:
        epochs: Passes K over the window.
        minibatches: Minibatches a pass is split into, by environments.
        chunk: Length in steps of the truncated back-propagation; 0 for a whole rollout.
        clip: The clipping range epsilon of the policy ratio.
        value_clip: Clip the value's change by ``clip`` as well.
        huber_delta: Error from which the critic's loss grows linearly (Huber); 0 for never.
        value_coefficient: Weight of the critic's loss.
        entropy_coefficient: Weight of the entropy bonus.
        learning_rate: Adam's learning rate.
        anneal_learning_rate: Let it fall linearly to 0 over the run.
        adam_epsilon: Adam's epsilon.
        max_gradient_norm: Global norm that each network's gradient is clipped to.
    """

    epochs: int = 4
    minibatches: int = 4
    chunk: int = 0
    clip: float = 0.2
    value_clip: bool = True
    huber_delta: float = 0.0
    value_coefficient: float = 0.5
    entropy_coefficient: float = 0.0
    learning_rate: float = 2e-3
    anneal_learning_rate: bool = True
    adam_epsilon: float = 1e-5
    max_gradient_norm: float = 0.25


@dataclass
class EvaluationSettings:
    """Separate evaluation episodes.

    Attributes:
        interval: Environment steps between evaluations.
        episodes: Episodes of each evaluation.
        mode: ``greedy`` (most likely actions), ``sampled`` or ``both``; the first one run is the
            headline.
        absolute: At the end, evaluate the best parameters on ten times as many episodes.
    """

    interval: float = 5e5
    episodes: int = 128
    mode: str = "greedy"
    absolute: bool = True
