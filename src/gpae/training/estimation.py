"""One pass without gradients over the window: ratios, values, successor values, recurrent states.

What follows from it, with the method's estimate, is the batch that the gradient steps learn from.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from gpae.environments.environment import View
from gpae.methods import Estimate, Evidence, Method
from gpae.networks import Actor, Critic, apply_actor, apply_critic, sample
from gpae.training.keys import Clock, Purpose, derive_each
from gpae.training.state import Cuts, Memories, Parameters, Rollout, Steps, Window
from gpae.training.window import merge_time


@dataclass(frozen=True)
class EstimationPlan:
    """What estimation needs to know that never changes in a run.

    Attributes:
        actor: The policy network.
        critic: The value network.
        method: What turns evidence into advantages and targets.
        discount: The discount factor gamma.
    """

    actor: Actor
    critic: Critic
    method: Method
    discount: float


@struct.dataclass
class Pass:
    """What the networks say of every step with the current parameters, [T, E, ...].

    Attributes:
        log_probs: log pi^i of the action taken, [T, E, N].
        probabilities: The policies, [T, E, N, A].
        values: The critic's values, [T, E, C].
        memories: The recurrent states *after* each step.
    """

    log_probs: Float[Array, "T E N"]
    probabilities: Float[Array, "T E N A"]
    values: Float[Array, "T E C"]
    memories: Memories


@struct.dataclass
class Batch:
    """What the gradient steps learn from; all [M T, E, ...].

    Attributes:
        steps: The steps of the window.
        probabilities: The policies as the iteration began, for the critic's own slot, [.., N, A].
        log_ratios: log pi - log mu as the iteration began, [.., N].
        values: The critic's values as the iteration began, [.., C].
        estimate: The method's advantages and targets.
        memories: The recurrent states *before* each step.
        weights: 1 for steps that exist, 0 for those of rollouts not collected yet, [M T, E].
    """

    steps: Steps
    probabilities: Float[Array, "T E N A"]
    log_ratios: Float[Array, "T E N"]
    values: Float[Array, "T E C"]
    estimate: Estimate
    memories: Memories
    weights: Float[Array, "T E"]


def estimate(
    plan: EstimationPlan,
    parameters: Parameters,
    window: Window,
    successor: View,
    clock: Clock,
    environments: Int[Array, " E"],
) -> tuple[Batch, Float[Array, "E C M"]]:
    """Turn the window into a batch.

    Args:
        plan: What never changes.
        parameters: The current parameters.
        window: The rollouts.
        successor: What is seen after the window's last step, [E, ...].
        clock: Seed and number of updates made, for the keys of actions sampled at successors.
        environments: The environments' numbers in the whole run.

    Returns:
        The batch, and the critic's memory after the window's last step, with which the next
        rollout begins.
    """
    passes, starts = window_pass(plan, parameters, window)
    keys = derive_each(clock.seed, Purpose.SUCCESSOR_ACTION, clock.update, environments)
    next_values = _next_values(plan, parameters, window.rollouts, passes, successor, keys)
    steps, merged = merge_time((window.rollouts.steps, passes))
    log_ratios = merged.log_probs - steps.log_probs
    last = jnp.arange(steps.rewards.shape[0]) == steps.rewards.shape[0] - 1
    evidence = Evidence(
        rewards=steps.rewards,
        discounts=jnp.where(steps.terminated, 0.0, plan.discount),
        boundaries=steps.terminated | steps.truncated,
        values=merged.values,
        next_values=next_values,
        log_ratios=log_ratios,
        resampled=steps.truncated | last[:, None],
    )
    exists = jnp.repeat(window.valid, window.rollouts.steps.rewards.shape[1])
    batch = Batch(
        steps=steps,
        probabilities=merged.probabilities,
        log_ratios=log_ratios,
        values=merged.values,
        estimate=plan.method.estimate(evidence),
        memories=_memories_before(passes.memories, starts),
        weights=jnp.broadcast_to(exists[:, None], steps.rewards.shape).astype(jnp.float32),
    )
    return batch, merged.memories.critic[-1]


def window_pass(
    plan: EstimationPlan, parameters: Parameters, window: Window
) -> tuple[Pass, Memories]:
    """Run the networks over every rollout of the window, [M, T, E, ...], and say where each began.

    The oldest rollout that exists begins with the recurrent states stored when it was collected;
    each later one continues with those recomputed.
    """
    before = jnp.concatenate([jnp.zeros(1, bool), window.valid[:-1]])

    def over_rollout(
        carried: Memories, inputs: tuple[Rollout, Bool[Array, ""]]
    ) -> tuple[Memories, tuple[Pass, Memories]]:
        rollout, continues = inputs
        start = jax.tree.map(partial(jnp.where, continues), carried, rollout.memories)
        result = rollout_pass(plan, parameters, start, rollout.steps)
        end = jax.tree.map(lambda leaf: leaf[-1], result.memories)
        return end, (result, start)

    stored = jax.tree.map(lambda leaf: leaf[0], window.rollouts.memories)
    return jax.lax.scan(over_rollout, stored, (window.rollouts, before))[1]


def rollout_pass(
    plan: EstimationPlan, parameters: Parameters, start: Memories, steps: Steps
) -> Pass:
    """Run both networks over the steps, [T, E, ...], from the given recurrent states."""
    actor_memories, policy = apply_actor(
        plan.actor,
        parameters.actor,
        start.actor,
        steps.view.observations,
        steps.view.available_actions,
        steps.first,
    )
    critic_memories, values = value_steps(
        plan.critic, parameters.critic, start.critic, steps, policy.probs
    )
    return Pass(
        log_probs=policy.log_prob(steps.actions),
        probabilities=policy.probs,
        values=values,
        memories=Memories(actor=actor_memories, critic=critic_memories),
    )


def value_steps(
    critic: Critic,
    parameters: Any,
    memory: Float[Array, "*b C M"],
    steps: Steps,
    probabilities: Float[Array, "T *b N A"],
) -> tuple[Float[Array, "T *b C M"], Float[Array, "T *b C"]]:
    """The critic on the steps' own joint actions."""
    actions = jax.nn.one_hot(steps.actions, probabilities.shape[-1])
    return apply_critic(
        critic, parameters, memory, steps.view.state, actions, probabilities, steps.first
    )


def _next_values(
    plan: EstimationPlan,
    parameters: Parameters,
    rollouts: Rollout,
    passes: Pass,
    successor: View,
    keys: jax.Array,
) -> Float[Array, "T E C"]:
    """Values of each step's true successor: the next step, but at a truncation or the end."""
    steps = rollouts.steps.rewards.shape[1]
    where_cut, cut_memories = _memories_at_cuts(rollouts.cuts, passes.memories, steps)
    end = jax.tree.map(lambda leaf: leaf[-1, -1][None], passes.memories)
    views = jax.tree.map(
        lambda cut, last: jnp.concatenate([cut, last[None]]),
        merge_time(rollouts.cuts.view),
        successor,
    )
    memories = jax.tree.map(lambda *parts: jnp.concatenate(parts), cut_memories, end)
    values = _successor_values(plan, parameters, views, memories, keys)
    inside = merge_time(passes.values)
    shifted = jnp.concatenate([inside[1:], values[-1:]])
    each = jnp.arange(shifted.shape[1])
    return shifted.at[where_cut, each].set(values[:-1], mode="drop")


def _memories_at_cuts(
    cuts: Cuts, memories: Memories, steps: int
) -> tuple[Int[Array, "K E"], Memories]:
    """The cuts' places in merged time (past its end if unused), and the memories after them."""
    rollout = jnp.arange(cuts.index.shape[0])[:, None, None]
    merged = (rollout * steps + cuts.index).reshape(-1, cuts.index.shape[-1])
    total = cuts.index.shape[0] * steps
    used = (cuts.index < steps).reshape(merged.shape)
    each = jnp.arange(merged.shape[1])
    readable = jnp.where(used, merged, 0)
    return (
        jnp.where(used, merged, total),
        jax.tree.map(lambda leaf: leaf[readable, each], merge_time(memories)),
    )


def _successor_values(
    plan: EstimationPlan,
    parameters: Parameters,
    views: View,
    memories: Memories,
    keys: jax.Array,
) -> Float[Array, "J E C"]:
    """Values at J successors an environment, with actions sampled from the current policy there."""
    continues = jnp.zeros((1, *views.state.shape[:2]), bool)
    _, policy = apply_actor(
        plan.actor,
        parameters.actor,
        memories.actor,
        views.observations[None],
        views.available_actions[None],
        continues,
    )
    actions = sample(keys, policy, axis=2)
    _, values = apply_critic(
        plan.critic,
        parameters.critic,
        memories.critic,
        views.state[None],
        jax.nn.one_hot(actions, views.available_actions.shape[-1]),
        policy.probs,
        continues,
    )
    return values[0]


def _memories_before(after: Memories, starts: Memories) -> Memories:
    """Shift the memories after each step to those before it, [M, T, ...] to [M T, ...]."""

    def shift(memories: jax.Array, start: jax.Array) -> jax.Array:
        return jnp.concatenate([start[:, None], memories[:, :-1]], axis=1)

    return merge_time(jax.tree.map(shift, after, starts))
