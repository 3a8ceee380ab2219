"""Action values of whole trajectories, and the targets they are regressed on."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gpae.environments.environment import Observation
from gpae.methods import QLearningMethod
from gpae.networks import (
    Mixer,
    QNetwork,
    apply_mixer,
    apply_q_network,
    initial_hidden_state,
    mask_unavailable,
)
from gpae.training.q_learning.state import Trajectories
from gpae.training.state import Params


@dataclass(frozen=True)
class ValuePlan:
    """The constants of values and targets.

    Attributes:
        network: The agents' Q-network.
        mixer: The mixer of the agents' values into the team's.
        method: The method's settings.
        discount: The discount factor gamma.
    """

    network: QNetwork
    mixer: Mixer
    method: QLearningMethod
    discount: float


def trajectory_values(
    network: QNetwork, params: Any, trajectories: Trajectories
) -> Float[Array, "T+K B N A"]:
    """The values of all actions at every step, and below them at the successor of every truncation.

    The successors' serve targets alone: nothing is differentiated through them.
    """
    truncations, (steps, size, agents) = trajectories.truncations, trajectories.actions.shape
    start = initial_hidden_state(network.settings, size, agents)
    hidden_states, values = apply_q_network(
        network, params, start, trajectories.observation.observations, trajectories.first
    )
    places = jnp.minimum(truncations.index, steps - 1), jnp.arange(size)
    before = jax.tree.map(lambda leaf: leaf[places], hidden_states)
    continues = jnp.zeros((1, *truncations.index.shape), bool)
    params, before = jax.lax.stop_gradient((params, before))
    _, after = apply_q_network(
        network, params, before, truncations.observation.observations[None], continues
    )
    return jnp.concatenate([values, after[0]])


def team_value_of_taken(
    plan: ValuePlan,
    params: Params,
    values: Float[Array, "T+K B N A"],
    trajectories: Trajectories,
) -> Float[Array, "T B"]:
    """Q_tot of the joint actions taken."""
    actions = trajectories.actions
    taken = jnp.take_along_axis(values[: len(actions)], actions[..., None], axis=-1).squeeze(-1)
    return apply_mixer(plan.mixer, params["mixer"], taken, trajectories.observation.state)


def targets(
    plan: ValuePlan,
    target_params: Params,
    online_values: Float[Array, "T+K B N A"],
    trajectories: Trajectories,
) -> Float[Array, "T B"]:
    """``scale r + gamma Q_tot'(s', argmax)``, without the second term where a step terminated.

    Each agent's argmax is over its available actions, by the online network's values (double Q:
    van Hasselt et al., AAAI 2016) or the target network's; Q_tot' is the target networks'.

    Args:
        plan: The constants.
        target_params: The target networks' parameters.
        online_values: The values of :func:`trajectory_values` with the online network's parameters.
        trajectories: The trajectories.
    """
    target_values = trajectory_values(plan.network, target_params["actor"], trajectories)
    all_observations: Observation = jax.tree.map(
        lambda steps, truncations: jnp.concatenate([steps, truncations]),
        trajectories.observation,
        trajectories.truncations.observation,
    )
    ranked = online_values if plan.method.double_q else target_values
    best = mask_unavailable(ranked, all_observations.available_actions).argmax(-1, keepdims=True)
    chosen = jnp.take_along_axis(target_values, best, axis=-1).squeeze(-1)
    team = apply_mixer(plan.mixer, target_params["mixer"], chosen, all_observations.state)
    discounts = jnp.where(trajectories.terminated, 0.0, plan.discount)
    following = at_successors(team, trajectories.truncations.index)
    return plan.method.reward_scale * trajectories.rewards + discounts * following


def at_successors(values: Float[Array, "T+K B"], index: Int[Array, "K B"]) -> Float[Array, "T B"]:
    """Each step's value at its true successor: the next step's, or that of the truncation after it.

    Args:
        values: Values at the steps, and below them at the truncations' successors.
        index: The step that each truncation follows; T in an unused slot.

    Returns:
        One value a step; 0 at a last step that terminated.
    """
    slots, size = index.shape
    steps = values.shape[0] - slots
    following = jnp.concatenate([values[1:steps], jnp.zeros((1, size), values.dtype)])
    return following.at[index, jnp.arange(size)].set(values[steps:], mode="drop")
