"""The values of each step's true successor."""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gpae.environments.environment import Observation
from gpae.networks import apply_actor, apply_critic, sample
from gpae.training.passes import EstimationPlan, Pass
from gpae.training.state import HiddenStates, Params, Rollout, Truncations
from gpae.training.valuation import critic_inputs, of_taken
from gpae.training.window import merge_time


def successor_values(
    plan: EstimationPlan,
    params: Params,
    rollouts: Rollout,
    passes: Pass,
    values: Float[Array, "T E C"],
    successor: Observation,
    keys: PRNGKeyArray,
) -> Float[Array, "T E C"]:
    """Values of each step's true successor: the next step, but at a truncation or the end.

    Args:
        plan: What never changes.
        params: The current parameters.
        rollouts: The window's rollouts, [M, T, E, ...].
        passes: What the networks say of them, [M, T, E, ...].
        values: The values of their steps, in merged time.
        successor: What is seen after the last step, [E, ...].
        keys: One key an environment, for the actions sampled where the data has none.
    """
    steps = rollouts.steps.rewards.shape[1]
    all_observations = jax.tree.map(
        lambda cut, last: jnp.concatenate([cut, last[None]]),
        merge_time(rollouts.truncations.observation),
        successor,
    )
    hidden_states = jax.tree.map(_of_window, passes.at_successors)
    sampled = _values_of_sampled(plan, params, all_observations, hidden_states, keys)
    shifted = jnp.concatenate([values[1:], sampled[-1:]])
    each = jnp.arange(shifted.shape[1])
    places = _places_of_truncations(rollouts.truncations, steps)
    return shifted.at[places, each].set(sampled[:-1], mode="drop")


def _places_of_truncations(truncations: Truncations, steps: int) -> Int[Array, "MK E"]:
    """The truncations' places in merged time, past its end where a slot is unused."""
    rollout = jnp.arange(len(truncations.index))[:, None, None]
    merged = jnp.where(
        truncations.index < steps,
        rollout * steps + truncations.index,
        len(truncations.index) * steps,
    )
    return merge_time(merged)


def _of_window(at_successors: Float[Array, "M K+1 E C M"]) -> Float[Array, "MK+1 E C M"]:
    """What is kept of each rollout's truncations, and of the last one's end."""
    return jnp.concatenate([merge_time(at_successors[:, :-1]), at_successors[-1, -1:]])


def _values_of_sampled(
    plan: EstimationPlan,
    params: Params,
    all_observations: Observation,
    hidden_states: HiddenStates,
    keys: PRNGKeyArray,
) -> Float[Array, "J E C"]:
    """Values at J successors an environment, with actions sampled from the current policy there."""
    continues = jnp.zeros((1, *all_observations.state.shape[:2]), bool)
    _, policy = apply_actor(
        plan.actor,
        params.actor,
        hidden_states.actor,
        all_observations.observations[None],
        all_observations.available_actions[None],
        continues,
    )
    policy = policy[0]
    actions = sample(keys, policy, axis=1)
    inputs = critic_inputs(
        plan.critic.spec, all_observations, policy.features(actions), policy.summary()
    )
    _, outputs = apply_critic(
        plan.critic, params.critic, hidden_states.critic, inputs[None], continues
    )
    return of_taken(plan.critic.spec, outputs[0], actions)
