"""The values of each step's true successor."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gpae.environments.environment import View
from gpae.networks import apply_actor, apply_critic, sample
from gpae.training.passes import EstimationPlan, Pass
from gpae.training.state import Cuts, Memories, Parameters, Rollout
from gpae.training.valuation import critic_inputs, of_taken
from gpae.training.window import merge_time


def successor_values(
    plan: EstimationPlan,
    parameters: Parameters,
    rollouts: Rollout,
    passes: Pass,
    values: Float[Array, "T E C"],
    successor: View,
    keys: PRNGKeyArray,
) -> Float[Array, "T E C"]:
    """Values of each step's true successor: the next step, but at a truncation or the end.

    Args:
        plan: What never changes.
        parameters: The current parameters.
        rollouts: The window's rollouts, [M, T, E, ...].
        passes: What the networks say of them, [M, T, E, ...].
        values: The values of their steps, in merged time.
        successor: What is seen after the last step, [E, ...].
        keys: One key an environment, for the actions sampled where the data has none.
    """
    steps = rollouts.steps.rewards.shape[1]
    where_cut, cut_memories = _memories_at_cuts(rollouts.cuts, passes.memories, steps)
    end = jax.tree.map(lambda leaf: leaf[-1, -1][None], passes.memories)
    views = jax.tree.map(
        lambda cut, last: jnp.concatenate([cut, last[None]]),
        merge_time(rollouts.cuts.view),
        successor,
    )
    memories = jax.tree.map(lambda *parts: jnp.concatenate(parts), cut_memories, end)
    sampled = _values_of_sampled(plan, parameters, views, memories, keys)
    shifted = jnp.concatenate([values[1:], sampled[-1:]])
    each = jnp.arange(shifted.shape[1])
    return shifted.at[where_cut, each].set(sampled[:-1], mode="drop")


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


def _values_of_sampled(
    plan: EstimationPlan,
    parameters: Parameters,
    views: View,
    memories: Memories,
    keys: PRNGKeyArray,
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
    policy = policy[0]
    actions = sample(keys, policy, axis=1)
    inputs = critic_inputs(plan.critic.spec, views, policy.features(actions), policy.summary())
    _, outputs = apply_critic(
        plan.critic, parameters.critic, memories.critic, inputs[None], continues
    )
    return of_taken(plan.critic.spec, outputs[0], actions)
