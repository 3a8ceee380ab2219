"""Gradient steps on trajectories drawn from the buffer."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gpae.methods import Metrics, UpdateSettings
from gpae.training.keys import Purpose, derive
from gpae.training.q_learning.buffer import sample
from gpae.training.q_learning.state import QState, Trajectories
from gpae.training.q_learning.targets import (
    ValuePlan,
    targets,
    team_value_of_taken,
    trajectory_values,
)
from gpae.training.reduce import DEVICES
from gpae.training.state import Params


@dataclass(frozen=True)
class QUpdatePlan:
    """The constants of the gradient steps.

    Attributes:
        values: The constants of values and targets.
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


def update_from_buffer(plan: QUpdatePlan, state: QState) -> tuple[Params, optax.OptState, Metrics]:
    """Make the gradient steps of one update, each device on its share of the batch.

    Returns:
        The new parameters and optimiser state, and the mean of each gradient step's metrics.
    """
    share = plan.values.method.batch_size // jax.lax.axis_size(DEVICES)

    def step(
        carry: tuple[Params, optax.OptState], number: Int[Array, ""]
    ) -> tuple[tuple[Params, optax.OptState], Metrics]:
        key = derive(state.clock.seed, Purpose.REPLAY, number)
        key = jax.random.fold_in(key, jax.lax.axis_index(DEVICES))
        trajectories = sample(state.buffer, key, share)
        return gradient_step(plan, *carry, state.target_params, trajectories)

    numbers = state.clock.update * plan.steps + jnp.arange(plan.steps)
    (params, optimiser_states), metrics = jax.lax.scan(
        step, (state.params, state.optimiser_states), numbers
    )
    return params, optimiser_states, jax.tree.map(jnp.mean, metrics)


def gradient_step(
    plan: QUpdatePlan,
    params: Params,
    optimiser_states: optax.OptState,
    target_params: Params,
    trajectories: Trajectories,
) -> tuple[tuple[Params, optax.OptState], Metrics]:
    """One step on one batch, the gradient summed over devices."""
    gradients, metrics = jax.grad(partial(batch_loss, plan.values), has_aux=True)(
        params, target_params, trajectories
    )
    gradients, metrics = jax.lax.psum((gradients, metrics), DEVICES)
    updates, optimiser_states = plan.optimiser.update(gradients, optimiser_states, params)
    metrics["update/gradient_norm"] = optax.tree.norm(gradients)
    return (optax.apply_updates(params, updates), optimiser_states), metrics


def batch_loss(
    plan: ValuePlan,
    params: Params,
    target_params: Params,
    trajectories: Trajectories,
) -> tuple[Float[Array, ""], Metrics]:
    """This device's share of the mean squared error; the shares of all devices add up to it."""
    values = trajectory_values(plan.network, params["actor"], trajectories)
    taken = team_value_of_taken(plan, params, values, trajectories)
    aims = targets(plan, target_params, values, trajectories)
    devices = jax.lax.axis_size(DEVICES)
    loss = ((taken - jax.lax.stop_gradient(aims)) ** 2).mean() / devices
    return loss, {"loss/q": loss, "q/mean_taken": taken.mean() / devices}
