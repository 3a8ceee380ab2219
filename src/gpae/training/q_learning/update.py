"""Gradient steps on trajectories drawn from the buffer."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gpae.training.keys import Purpose, derive
from gpae.training.protocol import Scalars
from gpae.training.q_learning.buffer import sample
from gpae.training.q_learning.state import QParameters, QState, Trajectories
from gpae.training.q_learning.targets import (
    ValuePlan,
    targets,
    team_value_of_taken,
    trajectory_values,
)
from gpae.training.reduce import DEVICES
from gpae.training.settings import UpdateSettings


@dataclass(frozen=True)
class QUpdatePlan:
    """What the gradient steps need to know that never changes in a run.

    Attributes:
        values: What values and targets are made with.
        optimiser: The gradient transformation, of the Q-network and the mixer together.
        steps: Gradient steps an update, each on a batch of its own.
    """

    values: ValuePlan
    optimiser: optax.GradientTransformation
    steps: int


def make_q_optimiser(
    settings: UpdateSettings, schedule: optax.Schedule
) -> optax.GradientTransformation:
    """RAdam on gradients clipped to a global norm."""
    return optax.chain(
        optax.clip_by_global_norm(settings.max_gradient_norm),
        optax.radam(schedule, eps=settings.adam_epsilon),
    )


def update_from_buffer(
    plan: QUpdatePlan, state: QState
) -> tuple[QParameters, optax.OptState, Scalars]:
    """Make the gradient steps of one update, each device on its share of the batch.

    Returns:
        The new parameters and optimiser state, and the mean of each gradient step's scalars.
    """
    share = plan.values.method.batch_size // jax.lax.axis_size(DEVICES)

    def step(
        carry: tuple[QParameters, optax.OptState], number: Int[Array, ""]
    ) -> tuple[tuple[QParameters, optax.OptState], Scalars]:
        key = derive(state.clock.seed, Purpose.REPLAY, number)
        key = jax.random.fold_in(key, jax.lax.axis_index(DEVICES))
        trajectories = sample(state.buffer, key, share)
        return gradient_step(plan, *carry, state.target_parameters, trajectories)

    numbers = state.clock.update * plan.steps + jnp.arange(plan.steps)
    (parameters, optimisers), scalars = jax.lax.scan(
        step, (state.parameters, state.optimisers), numbers
    )
    return parameters, optimisers, jax.tree.map(jnp.mean, scalars)


def gradient_step(
    plan: QUpdatePlan,
    parameters: QParameters,
    optimisers: optax.OptState,
    target_parameters: QParameters,
    trajectories: Trajectories,
) -> tuple[tuple[QParameters, optax.OptState], Scalars]:
    """One step on one batch, the gradient summed over devices."""
    gradients, scalars = jax.grad(partial(batch_loss, plan.values), has_aux=True)(
        parameters, target_parameters, trajectories
    )
    gradients, scalars = jax.lax.psum((gradients, scalars), DEVICES)
    updates, optimisers = plan.optimiser.update(gradients, optimisers, parameters)
    scalars["update/gradient_norm"] = optax.tree.norm(gradients)
    return (optax.apply_updates(parameters, updates), optimisers), scalars


def batch_loss(
    plan: ValuePlan,
    parameters: QParameters,
    target_parameters: QParameters,
    trajectories: Trajectories,
) -> tuple[Float[Array, ""], Scalars]:
    """This device's share of the mean squared error; the shares of all devices add up to it."""
    values = trajectory_values(plan.network, parameters.actor, trajectories)
    taken = team_value_of_taken(plan, parameters, values, trajectories)
    aims = targets(plan, target_parameters, values, trajectories)
    devices = jax.lax.axis_size(DEVICES)
    loss = ((taken - jax.lax.stop_gradient(aims)) ** 2).mean() / devices
    return loss, {"loss/q": loss, "q/mean_taken": taken.mean() / devices}
