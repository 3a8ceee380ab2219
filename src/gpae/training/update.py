"""K epochs of minibatch gradient steps on a batch."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int

from gpae.training.estimation import Batch
from gpae.training.keys import Clock, Purpose, derive
from gpae.training.minibatch import Minibatch, Totals, prepare_batch
from gpae.training.objectives import Objective, network_loss
from gpae.training.protocol import Scalars
from gpae.training.reduce import DEVICES
from gpae.training.settings import UpdateSettings
from gpae.training.state import OptimiserStates, Parameters, network_names

Tree = TypeVar("Tree")

PART_FEATURES = 2**20
"""Features of the actor's hidden layers, over all rows of a run, that a CPU takes at once.

More only where one environment has more: parts are of whole environments, as many in each.
"""


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
    parameters: Parameters,
    optimisers: OptimiserStates,
    batch: Batch,
    clock: Clock,
) -> tuple[Parameters, OptimiserStates, Scalars]:
    """Make all gradient steps of one iteration.

    Returns:
        The new parameters and optimiser states, and the mean of each gradient step's scalars.
    """
    prepared = prepare_batch(batch, plan.chunk)
    steps, held, agents = batch.log_ratios.shape
    size = held // plan.settings.minibatches
    parts = number_of_parts(plan, size, steps * agents)
    whole = plan.settings.minibatches == parts == 1
    select = (lambda _: prepared.minibatch()) if whole else prepared.minibatch

    def step(
        carry: tuple[Parameters, OptimiserStates], environments: Int[Array, "P B"]
    ) -> tuple[tuple[Parameters, OptimiserStates], Scalars]:
        return gradient_step(plan, *carry, select, environments)

    order = _minibatch_order(plan, clock, size).reshape(-1, parts, size // parts)
    (parameters, optimisers), scalars = jax.lax.scan(step, (parameters, optimisers), order)
    return parameters, optimisers, jax.tree.map(jnp.mean, scalars)


def number_of_parts(plan: UpdatePlan, environments: int, rows: int) -> int:
    """In how many parts a device computes the gradient of a minibatch.

    What a gradient keeps of a part should stay in a CPU's cache; other devices take all at once.

    Args:
        plan: What never changes.
        environments: How many environments of a minibatch the device has.
        rows: How many rows each has: its steps, each for every agent.
    """
    if jax.default_backend() != "cpu":
        return 1
    fitting = PART_FEATURES / (rows * plan.objective.actor.settings.hidden_size)
    parts = [n for n in range(1, environments + 1) if environments % n == 0]
    return next((n for n in parts if environments // n <= fitting), environments)


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
    parameters: Parameters,
    optimisers: OptimiserStates,
    select: Callable[[Int[Array, " B"]], Minibatch],
    parts: Int[Array, "P B"],
) -> tuple[tuple[Parameters, OptimiserStates], Scalars]:
    """One step on one minibatch, the gradients summed over its parts and over devices.

    Networks share no parameters. Each one's gradient is a computation of its own, so that what is
    kept for one need not share a processor's cache with what is kept for another.

    Args:
        plan: What never changes.
        parameters: Of all networks.
        optimisers: Their optimisers' states.
        select: The chunks of the environments with the given numbers.
        parts: The environments of each part of the minibatch.
    """
    totals = Totals.of(select(parts.reshape(-1)).rows)

    found = {
        network: jax.lax.psum(
            network_gradient(plan, network, parameters, select, parts, totals), DEVICES
        )
        for network in network_names(parameters)
    }
    updated, states = parameters, optimisers
    scalars: Scalars = {}
    for network, (gradient, told) in found.items():
        change, state = plan.optimiser.update(gradient, getattr(optimisers, network))
        held = optax.apply_updates(getattr(parameters, network), change)
        updated = replace(updated, **{network: held})
        states = replace(states, **{network: state})
        scalars |= told | {f"update/{network}_gradient_norm": optax.tree.norm(gradient)}
    return (updated, states), scalars


def initial_optimisers(
    optimiser: optax.GradientTransformation, parameters: Parameters
) -> OptimiserStates:
    """The optimiser's state for each network."""
    names = network_names(parameters)
    return OptimiserStates(**{name: optimiser.init(getattr(parameters, name)) for name in names})


def sum_over(
    gradient: Callable[[Int[Array, " B"]], tuple[Tree, Scalars]],
    parts: Int[Array, "P B"],
    parameters: Tree,
) -> tuple[Tree, Scalars]:
    """The sums of a gradient by the parameters, and of scalars, over each part's environments."""
    if len(parts) == 1:
        return gradient(parts[0])

    def add(total: Tree, part: Int[Array, " B"]) -> tuple[Tree, Scalars]:
        found, scalars = gradient(part)
        return jax.tree.map(jnp.add, total, found), scalars

    total, scalars = jax.lax.scan(add, jax.tree.map(jnp.zeros_like, parameters), parts)
    return total, jax.tree.map(lambda each: each.sum(0), scalars)


def network_gradient(
    plan: UpdatePlan,
    network: str,
    parameters: Parameters,
    select: Callable[[Int[Array, " B"]], Minibatch],
    parts: Int[Array, "P B"],
    totals: Totals,
) -> tuple[Any, Scalars]:
    """The gradient of one network's loss on this device's share of a minibatch, and its scalars.

    Args:
        plan: What never changes.
        network: The network, a field of ``parameters``.
        parameters: Of all networks.
        select: The chunks of the environments with the given numbers.
        parts: The environments of each part of the minibatch.
        totals: Those of the whole minibatch.
    """
    loss, held = partial(network_loss, plan.objective, network), getattr(parameters, network)

    def differentiate(environments: Int[Array, " B"]) -> tuple[Any, Scalars]:
        return jax.grad(loss, has_aux=True)(held, select(environments), totals)

    return sum_over(differentiate, parts, held)
