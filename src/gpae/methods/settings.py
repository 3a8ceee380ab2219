"""The settings of the gradient steps, which losses read."""

from dataclasses import dataclass

from gpae.fields import not_negative, positive, whole


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

    epochs: int = whole(4, 1)
    minibatches: int = whole(4, 1)
    chunk: int = whole(0, 0)
    clip: float = positive(0.2)
    value_clip: bool = True
    huber_delta: float = not_negative(0.0, static=True)
    value_coefficient: float = not_negative(0.5)
    entropy_coefficient: float = not_negative(0.0)
    learning_rate: float = positive(2e-3)
    anneal_learning_rate: bool = True
    adam_epsilon: float = positive(1e-5)
    max_gradient_norm: float = positive(0.25)
