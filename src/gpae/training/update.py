"""K epochs of minibatch gradient steps on a batch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gpae.kernels.parts import number_of_parts
from gpae.training.estimation import Batch
from gpae.training.keys import Clock, Purpose, derive
from gpae.training.minibatch import Minibatch, Totals, prepare_batch
from gpae.training.objectives import Objective, network_loss
from gpae.training.protocol import Metrics
from gpae.training.reduce import DEVICES
from gpae.training.settings import UpdateSettings
from gpae.training.state import OptimiserStates, Params, network_names

Tree = TypeVar("Tree")


@dataclass(frozen=True)
class UpdatePlan:
    """What the gradient steps need to know that never changes in a run.

    Attributes:
        objective: What the networks are to minimise.
        optimiser: The gradient transformation, used for each network on its own.
        chunk: Length of the truncated back-propagation, in steps.
    """

    objective: Objective
    optimiser: optax.GradientTransformation
    chunk: int

    @property
    def settings(self) -> UpdateSettings:
        """Epochs, minibatches, clipping and coefficients."""
        return self.objective.settings


def learning_rate_schedule(
    settings: UpdateSettings, steps_per_update: int, num_updates: int
) -> optax.Schedule:
    """The learning rate, falling linearly from update to update where the settings ask for it."""
    if not settings.anneal_learning_rate:
        return optax.constant_schedule(settings.learning_rate)

    def schedule(gradient_step: Int[Array, ""]) -> Float[Array, ""]:
        remaining = 1.0 - (gradient_step // steps_per_update) / num_updates
        return settings.learning_rate * jnp.maximum(remaining, 0.0)

    return schedule


def make_optimiser(
    settings: UpdateSettings, schedule: optax.Schedule
) -> optax.GradientTransformation:
    """Adam on gradients clipped to a global norm."""
    return optax.chain(
        optax.clip_by_global_norm(settings.max_gradient_norm),
        optax.adam(schedule, eps=settings.adam_epsilon),
    )


def update_on_batch(
    plan: UpdatePlan,
    params: Params,
    optimiser_states: OptimiserStates,
    batch: Batch,
    clock: Clock,
) -> tuple[Params, OptimiserStates, Metrics]:
    """Make all gradient steps of one iteration.

    Returns:
        The new parameters and optimiser states, and the mean of each gradient step's metrics.
    """
    prepared = prepare_batch(batch, plan.chunk)
    steps, held, agents = batch.log_ratios.shape
    size = held // plan.settings.minibatches
    parts = number_of_parts(size, steps * agents * plan.objective.actor.settings.hidden_size)
    whole = plan.settings.minibatches == parts == 1
    select = (lambda _: prepared.minibatch()) if whole else prepared.minibatch

    def step(
        carry: tuple[Params, OptimiserStates], environments: Int[Array, "P B"]
    ) -> tuple[tuple[Params, OptimiserStates], Metrics]:
        return gradient_step(plan, *carry, select, environments)

    order = _minibatch_order(plan, clock, size).reshape(-1, parts, size // parts)
    (params, optimiser_states), metrics = jax.lax.scan(step, (params, optimiser_states), order)
    return params, optimiser_states, jax.tree.map(jnp.mean, metrics)


def _minibatch_order(plan: UpdatePlan, clock: Clock, size: int) -> Int[Array, "G B"]:
    """The environments of every gradient step: each epoch and device has its own permutation."""
    settings = plan.settings
    epochs = clock.update * settings.epochs + jnp.arange(settings.epochs)

    def permutation(epoch: Int[Array, ""]) -> Int[Array, "K B"]:
        key = jax.random.fold_in(
            derive(clock.seed, Purpose.SHUFFLE, epoch), jax.lax.axis_index(DEVICES)
        )
        order = jax.random.permutation(key, size * settings.minibatches)
        return order.reshape(settings.minibatches, size)

    return jax.vmap(permutation)(epochs).reshape(-1, size)


def gradient_step(
    plan: UpdatePlan,
    params: Params,
    optimiser_states: OptimiserStates,
    select: Callable[[Int[Array, " B"]], Minibatch],
    parts: Int[Array, "P B"],
) -> tuple[tuple[Params, OptimiserStates], Metrics]:
    """One step on one minibatch, the gradients summed over its parts and over devices.

    Networks share no parameters. Each one's gradient is a computation of its own, so that what is
    kept for one need not share a processor's cache with what is kept for another.

    Args:
        plan: What never changes.
        params: Of all networks.
        optimiser_states: Their optimisers' states.
        select: The chunks of the environments with the given numbers.
        parts: The environments of each part of the minibatch.
    """
    totals = Totals.of(select(parts.reshape(-1)).rows)

    found = {
        network: jax.lax.psum(
            network_gradient(plan, network, params, select, parts, totals), DEVICES
        )
        for network in network_names(params)
    }
    updated, states = params, optimiser_states
    metrics: Metrics = {}
    for network, (gradient, told) in found.items():
        change, state = plan.optimiser.update(gradient, getattr(optimiser_states, network))
        held = optax.apply_updates(getattr(params, network), change)
        updated = replace(updated, **{network: held})
        states = replace(states, **{network: state})
        metrics |= told | {f"update/{network}_gradient_norm": optax.tree.norm(gradient)}
    return (updated, states), metrics


def initial_optimisers(optimiser: optax.GradientTransformation, params: Params) -> OptimiserStates:
    """The optimiser's state for each network."""
    names = network_names(params)
    return OptimiserStates(**{name: optimiser.init(getattr(params, name)) for name in names})


def sum_over(
    gradient: Callable[[Int[Array, " B"]], tuple[Tree, Metrics]],
    parts: Int[Array, "P B"],
    params: Tree,
) -> tuple[Tree, Metrics]:
    """The sums of a gradient by the parameters, and of metrics, over each part's environments."""
    if len(parts) == 1:
        return gradient(parts[0])

    def add(total: Tree, part: Int[Array, " B"]) -> tuple[Tree, Metrics]:
        found, metrics = gradient(part)
        return jax.tree.map(jnp.add, total, found), metrics

    total, metrics = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), parts)
    return total, jax.tree.map(lambda each: each.sum(0), metrics)


def network_gradient(
    plan: UpdatePlan,
    network: str,
    params: Params,
    select: Callable[[Int[Array, " B"]], Minibatch],
    parts: Int[Array, "P B"],
    totals: Totals,
) -> tuple[Any, Metrics]:
    """The gradient of one network's loss on this device's share of a minibatch, and its metrics.

    Args:
        plan: What never changes.
        network: The network, a field of ``params``.
        params: Of all networks.
        select: The chunks of the environments with the given numbers.
        parts: The environments of each part of the minibatch.
        totals: Those of the whole minibatch.
    """
    loss, held = partial(network_loss, plan.objective, network), getattr(params, network)

    def differentiate(environments: Int[Array, " B"]) -> tuple[Any, Metrics]:
        return jax.grad(loss, has_aux=True)(held, select(environments), totals)

    return sum_over(differentiate, parts, held)
