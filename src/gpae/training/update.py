"""K epochs of minibatch gradient steps on a batch."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import TypeVar

import jax
import jax.numpy as jnp
import optax
from flax import struct
from jaxtyping import Array, Float, Int

from gpae.networks import (
    Actor,
    Critic,
    RewardEnsemble,
    apply_actor,
    apply_critic,
    apply_reward_models,
)
from gpae.training.estimation import Batch
from gpae.training.keys import Clock, Purpose, derive
from gpae.training.losses import clipped_policy_loss, policy_ratio, value_loss
from gpae.training.protocol import Scalars
from gpae.training.reduce import DEVICES, global_sum, normalise
from gpae.training.settings import UpdateSettings
from gpae.training.state import Memories, OptimiserStates, Parameters, Steps
from gpae.training.valuation import critic_inputs, of_taken
from gpae.training.window import split_chunks

Tree = TypeVar("Tree")

PART_FEATURES = 2**20
"""Features of the actor's hidden layers, over all rows of a run, that a CPU takes at once.

More only where one environment has more: parts are of whole environments, as many in each.
"""


@dataclass(frozen=True)
class UpdatePlan:
    """What the gradient steps need to know that never changes in a run.

    Attributes:
        actor: The policy network.
        critic: The value network.
        reward_models: The method's reward models, if it has any.
        optimiser: The gradient transformation, used for each network on its own.
        settings: Epochs, minibatches, clipping and coefficients.
        chunk: Length of the truncated back-propagation, in steps.
    """

    actor: Actor
    critic: Critic
    reward_models: RewardEnsemble | None
    optimiser: optax.GradientTransformation
    settings: UpdateSettings
    chunk: int


@struct.dataclass
class Rows:
    """The batch cut into chunks, [L, R, E, ...] with L steps a chunk and R chunks an environment.

    Attributes:
        steps: The steps.
        policy_summary: The policies as the iteration began, as a critic sees them.
        log_ratios: log pi - log mu as the iteration began.
        advantages: Normalised advantages.
        values: The critic's values as the iteration began.
        targets: The critic's targets.
        weights: 0 for steps that do not exist.
    """

    steps: Steps
    policy_summary: Float[Array, "L R E N A"]
    log_ratios: Float[Array, "L R E N"]
    advantages: Float[Array, "L R E N"]
    values: Float[Array, "L R E C"]
    targets: Float[Array, "L R E C"]
    weights: Float[Array, "L R E"]


@struct.dataclass
class Minibatch:
    """Chunks, and the recurrent states each begins with.

    Attributes:
        rows: The chunks, [L, R, E, ...].
        memories: The recurrent states before their first steps, [R, E, ...].
    """

    rows: Rows
    memories: Memories

    def select(self, environments: Int[Array, " B"]) -> "Minibatch":
        """The chunks of some of the environments."""
        return Minibatch(
            rows=jax.tree.map(lambda leaf: leaf.take(environments, axis=2), self.rows),
            memories=jax.tree.map(lambda leaf: leaf.take(environments, axis=1), self.memories),
        )


@struct.dataclass
class Totals:
    """What the means over a minibatch, or over the one this is a part of, are divided by.

    Attributes:
        steps: How many steps there are on all devices.
        living: How many living agents there are in these steps.
    """

    steps: Float[Array, ""]
    living: Float[Array, ""]

    @classmethod
    def of(cls, rows: Rows) -> "Totals":
        """Those of some rows, whatever axes they have in front."""
        living = rows.weights[..., None] * rows.steps.view.alive
        return cls(steps=global_sum(rows.weights), living=jnp.maximum(global_sum(living), 1.0))


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


def cut_into_chunks(batch: Batch, chunk: int) -> Minibatch:
    """Normalise the advantages over the whole batch and cut it into chunks."""
    rows = Rows(
        steps=batch.steps,
        policy_summary=batch.policy.summary(),
        log_ratios=batch.log_ratios,
        advantages=normalise(batch.estimate.advantages, batch.weights),
        values=batch.values,
        targets=batch.estimate.targets,
        weights=batch.weights,
    )
    return Minibatch(
        rows=split_chunks(rows, chunk),
        memories=jax.tree.map(lambda leaf: leaf[::chunk], batch.memories),
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
    whole = cut_into_chunks(batch, plan.chunk)
    size = whole.rows.weights.shape[2] // plan.settings.minibatches
    steps, chunks, _, agents = whole.rows.log_ratios.shape
    parts = number_of_parts(plan, size, steps * chunks * agents)
    select = (lambda _: whole) if plan.settings.minibatches == parts == 1 else whole.select

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
    fitting = PART_FEATURES / (rows * plan.actor.settings.hidden_size)
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
    """One step on one minibatch, the gradient summed over its parts and over devices.

    Args:
        plan: What never changes.
        parameters: Of all networks.
        optimisers: Their optimisers' states.
        select: The chunks of the environments with the given numbers.
        parts: The environments of each part of the minibatch.
    """
    totals = Totals.of(select(parts.reshape(-1)).rows)

    def differentiate(environments: Int[Array, " B"]) -> tuple[Parameters, Scalars]:
        loss = partial(minibatch_loss, plan, totals=totals)
        return jax.grad(loss, has_aux=True)(parameters, select(environments))

    gradients, scalars = jax.lax.psum(sum_over(differentiate, parts), DEVICES)
    updated, states = parameters, optimisers
    for network in network_names(parameters):
        gradient, held = getattr(gradients, network), getattr(parameters, network)
        change, state = plan.optimiser.update(gradient, getattr(optimisers, network))
        updated = replace(updated, **{network: optax.apply_updates(held, change)})
        states = replace(states, **{network: state})
        scalars[f"update/{network}_gradient_norm"] = optax.tree.norm(gradient)
    return (updated, states), scalars


def initial_optimisers(
    optimiser: optax.GradientTransformation, parameters: Parameters
) -> OptimiserStates:
    """The optimiser's state for each network."""
    names = network_names(parameters)
    return OptimiserStates(**{name: optimiser.init(getattr(parameters, name)) for name in names})


def network_names(parameters: Parameters) -> list[str]:
    """The networks that there are."""
    names = [field.name for field in fields(parameters)]
    return [name for name in names if getattr(parameters, name) is not None]


def sum_over(function: Callable[[Int[Array, " B"]], Tree], parts: Int[Array, "P B"]) -> Tree:
    """The sum of the results of a function of each part's environments."""
    if len(parts) == 1:
        return function(parts[0])

    def add(total: Tree, part: Int[Array, " B"]) -> tuple[Tree, None]:
        return jax.tree.map(jnp.add, total, function(part)), None

    results = jax.eval_shape(function, parts[0])
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), results)
    return jax.lax.scan(add, nothing, parts)[0]


def minibatch_loss(
    plan: UpdatePlan, parameters: Parameters, minibatch: Minibatch, totals: Totals | None = None
) -> tuple[Float[Array, ""], Scalars]:
    """This device's share of the loss, and of scalars to log.

    The sum over devices, and over the parts of a minibatch, is the mean over the minibatch.

    Args:
        plan: What never changes.
        parameters: Of all networks.
        minibatch: The minibatch, or a part of one.
        totals: Those of the whole minibatch; its own where None.
    """
    settings, rows = plan.settings, minibatch.rows
    totals = Totals.of(rows) if totals is None else totals
    _, policy = apply_actor(
        plan.actor,
        parameters.actor,
        minibatch.memories.actor,
        rows.steps.view.observations,
        rows.steps.view.available_actions,
        rows.steps.first,
    )
    log_ratios = policy.log_prob(rows.steps.actions) - rows.steps.log_probs
    features = policy.features(rows.steps.actions)
    terms = {
        "loss/actor": clipped_policy_loss(
            log_ratios, rows.log_ratios, rows.advantages, settings.clip
        ),
        "loss/critic": _critic_loss(plan, parameters, minibatch, features),
        "loss/entropy": policy.entropy(),
    }
    coefficients = {
        "loss/actor": 1.0,
        "loss/critic": settings.value_coefficient,
        "loss/entropy": -settings.entropy_coefficient,
    }
    if plan.reward_models is not None:
        terms["loss/reward_model"] = _reward_loss(plan, parameters, rows, features)
        coefficients["loss/reward_model"] = 1.0
    shares = {name: _share(term, rows.weights, totals) for name, term in terms.items()}
    loss = jnp.stack([coefficients[name] * share for name, share in shares.items()]).sum()
    return loss, {**shares, **_policy_change(log_ratios, rows, settings.clip, totals)}


def _critic_loss(
    plan: UpdatePlan,
    parameters: Parameters,
    minibatch: Minibatch,
    action_features: Float[Array, "L R E N A"],
) -> Float[Array, "L R E C"]:
    settings, rows, spec = plan.settings, minibatch.rows, plan.critic.spec
    _, outputs = apply_critic(
        plan.critic,
        parameters.critic,
        minibatch.memories.critic,
        critic_inputs(spec, rows.steps.view, action_features, rows.policy_summary),
        rows.steps.first,
    )
    return value_loss(
        of_taken(spec, outputs, rows.steps.actions),
        rows.values,
        rows.targets,
        settings.clip if settings.value_clip else None,
        settings.huber_delta,
    )


def _reward_loss(
    plan: UpdatePlan,
    parameters: Parameters,
    rows: Rows,
    action_features: Float[Array, "L R E N A"],
) -> Float[Array, "L R E N"]:
    """Half the squared error of each model's reward for the action taken, summed over models."""
    models = plan.reward_models
    assert models is not None
    inputs = critic_inputs(models.spec, rows.steps.view, action_features, rows.policy_summary)
    outputs = apply_reward_models(models, parameters.reward_model, inputs)
    actions = jnp.broadcast_to(rows.steps.actions, (models.size, *rows.steps.actions.shape))
    rewards = of_taken(models.spec, outputs, actions)
    return 0.5 * ((rewards - rows.steps.rewards[..., None]) ** 2).sum(0)


def _share(
    term: Float[Array, "L R E K"], weights: Float[Array, "L R E"], totals: Totals
) -> Float[Array, ""]:
    """This device's part of the weighted mean over all devices."""
    return (term * weights[..., None]).sum() / (totals.steps * term.shape[-1])


def _policy_change(
    log_ratios: Float[Array, "L R E N"], rows: Rows, clip: float, totals: Totals
) -> Scalars:
    """This device's share of how far the policy has moved since the iteration began."""
    moved = jax.lax.stop_gradient(log_ratios) - rows.log_ratios
    ratio = policy_ratio(moved)
    weights = rows.weights[..., None] * rows.steps.view.alive
    terms = {
        "update/approximate_kl": ratio - 1.0 - moved,
        "update/clip_fraction": (jnp.abs(ratio - 1.0) > clip).astype(jnp.float32),
    }
    return {name: (term * weights).sum() / totals.living for name, term in terms.items()}
