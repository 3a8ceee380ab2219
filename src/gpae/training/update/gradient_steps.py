"""K epochs of minibatch gradient steps on a batch."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gpae.kernels.parts import number_of_parts
from gpae.methods import Batch, HiddenStates, Metrics, UpdateSettings
from gpae.training.keys import Clock, Purpose, derive
from gpae.training.reduce import DEVICES
from gpae.training.state import OptimiserStates, Params
from gpae.training.update.losses import Objective
from gpae.training.update.minibatch import PreparedBatch, prepare_batch

Tree = TypeVar("Tree")


@dataclass(frozen=True)
class UpdatePlan:
    """The constants of the gradient steps.

    Attributes:
        objective: The networks' losses.
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
    hidden_states: HiddenStates,
    clock: Clock,
) -> tuple[Params, OptimiserStates, Metrics]:
    """Make all gradient steps of one iteration.

    Args:
        plan: The constants.
        params: The networks' parameters.
        optimiser_states: Their optimisers' states.
        batch: The batch, [T, E, ...].
        hidden_states: The hidden states before each of its steps, [T, E, ...].
        clock: Seed and number of updates made, from which the minibatches' order follows.

    Returns:
        The new parameters and optimiser states, and the mean of each gradient step's metrics.
    """
    prepared = prepare_batch(batch, hidden_states, plan.chunk)
    steps, held, agents = batch.log_ratios.shape
    size = held // plan.settings.minibatches
    parts = number_of_parts(size, steps * agents * plan.objective.actor.settings.hidden_size)
    whole = plan.settings.minibatches == parts == 1

    def step(
        carry: tuple[Params, OptimiserStates], environments: Int[Array, "P B"]
    ) -> tuple[tuple[Params, OptimiserStates], Metrics]:
        return gradient_step(plan, *carry, prepared, None if whole else environments)

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
    prepared: PreparedBatch,
    environments: Int[Array, "P B"] | None,
) -> tuple[tuple[Params, OptimiserStates], Metrics]:
    """One step on one minibatch, the gradients summed over its parts and over devices.

    Networks share no parameters. Each one's gradients are a computation of their own, so that the
    intermediate results of one need not share a processor's cache with those of another.

    Args:
        plan: The constants.
        params: The parameters of all networks.
        optimiser_states: Their optimisers' states.
        prepared: The batch.
        environments: The environments of each part of the minibatch; None for all in one part.
    """
    totals = prepared.totals(None if environments is None else environments.reshape(-1))
    found = {}
    for network, held in params.items():

        def loss(
            held: Any, part: Int[Array, " B"] | None, network: str = network
        ) -> tuple[Float[Array, ""], Metrics]:
            return plan.objective.loss(network, held, prepared.minibatch(totals, part))

        found[network] = jax.lax.psum(gradients_over_parts(loss, held, environments), DEVICES)
    metrics: Metrics = {}
    new_params, new_states = {}, {}
    for network, (gradients, of_network) in found.items():
        change, new_states[network] = plan.optimiser.update(gradients, optimiser_states[network])
        new_params[network] = optax.apply_updates(params[network], change)
        norm = optax.tree.norm(gradients)
        metrics |= of_network | {f"update/{network}_gradient_norm": norm}
    return (new_params, new_states), metrics


def gradients_over_parts(
    loss: Callable[[Tree, Any], tuple[Float[Array, ""], Metrics]],
    params: Tree,
    parts: Int[Array, "P B"] | None,
) -> tuple[Tree, Metrics]:
    """Sums over the parts of a minibatch of a loss's gradients and metrics.

    Args:
        loss: The loss and metrics by parameters and a part's environments.
        params: The parameters.
        parts: The environments of each part; None for a minibatch in one part.
    """
    differentiate = jax.grad(loss, has_aux=True)
    if parts is None or len(parts) == 1:
        return differentiate(params, None if parts is None else parts[0])

    def add(total: Tree, part: Int[Array, " B"]) -> tuple[Tree, Metrics]:
        gradients, metrics = differentiate(params, part)
        return jax.tree.map(jnp.add, total, gradients), metrics

    total, metrics = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, params), parts)
    return total, jax.tree.map(lambda each: each.sum(0), metrics)


def initial_optimiser_states(
    optimiser: optax.GradientTransformation, params: Params
) -> OptimiserStates:
    """The optimiser's state for each network."""
    return {name: optimiser.init(held) for name, held in params.items()}
