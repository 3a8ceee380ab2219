"""The update: epochs of minibatch gradient steps on a batch."""

from gpae.training.update.gradient_steps import (
    UpdatePlan,
    initial_optimiser_states,
    learning_rate_schedule,
    make_optimiser,
    update_on_batch,
)
from gpae.training.update.losses import Objective, minibatch_loss

__all__ = [
    "Objective",
    "UpdatePlan",
    "initial_optimiser_states",
    "learning_rate_schedule",
    "make_optimiser",
    "minibatch_loss",
    "update_on_batch",
]
