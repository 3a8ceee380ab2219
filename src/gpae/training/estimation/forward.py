"""Forward passes of all networks over the window, from the hidden states it began with."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool

from gpae.methods import HiddenStates, LearnedNetwork, PolicyGradientMethod
from gpae.networks import Actor, apply_actor
from gpae.training.state import Forward, Params, Rollout, Truncations, Window
from gpae.training.window import merge_time

Forwards = dict[str, Forward]
"""Each network's forward pass by the network's name."""


@dataclass(frozen=True)
class EstimationPlan:
    """The constants of estimation.

    Attributes:
        actor: The policy network.
        networks: The method's networks by name.
        method: The method, which turns evidence into advantages and targets.
        discount: The discount factor gamma.
    """

    actor: Actor
    networks: dict[str, LearnedNetwork]
    method: PolicyGradientMethod
    discount: float


def window_forward(
    plan: EstimationPlan, params: Params, window: Window, acted: Forward | None = None
) -> tuple[Forwards, HiddenStates]:
    """Run the networks over every rollout of the window, [M, T, E, ...].

    The oldest rollout that exists begins with the hidden states stored when it was collected; each
    later one continues with those recomputed.

    Args:
        plan: The constants.
        params: The current parameters.
        window: The rollouts.
        acted: The actor's forward pass over the window's only rollout, [T, E, ...], as it acted
            with the current parameters.

    Returns:
        The forward passes, and the hidden states *before* each step, [M T, E, ...].

    Raises:
        ValueError: ``acted`` is given, but there is more than one rollout.
    """
    if acted is not None and len(window.valid) > 1:
        raise ValueError(f"acted: a window of {len(window.valid)} rollouts, expected one")
    acted = jax.tree.map(lambda leaf: leaf[None], acted)
    before = jnp.concatenate([jnp.zeros(1, bool), window.valid[:-1]])

    def over_rollout(
        carried: HiddenStates, inputs: tuple[Rollout, Forward | None, Bool[Array, ""]]
    ) -> tuple[HiddenStates, tuple[Forwards, HiddenStates]]:
        rollout, acted, continues = inputs
        start = jax.tree.map(partial(jnp.where, continues), carried, rollout.hidden_states)
        forwards = rollout_forward(plan, params, start, rollout, acted)
        ends = {name: each.at_successors for name, each in forwards.items()}
        return jax.tree.map(lambda leaf: leaf[-1], ends), (forwards, start)

    stored = jax.tree.map(lambda leaf: leaf[0], window.rollouts.hidden_states)
    _, (forwards, starts) = jax.lax.scan(over_rollout, stored, (window.rollouts, acted, before))
    return forwards, _before_each_step(forwards, starts)


def rollout_forward(
    plan: EstimationPlan,
    params: Params,
    start: HiddenStates,
    rollout: Rollout,
    acted: Forward | None = None,
) -> Forwards:
    """Run all networks over a rollout, [T, E, ...], from the given hidden states.

    The actor is left out where its forward pass with these parameters is known.
    """
    steps = rollout.steps
    actor = acted or _actor_forward(plan, params, start, rollout)
    policy = actor.outputs
    summary = policy.summary()
    forwards = {"actor": actor}
    for name, network in plan.networks.items():
        inputs = network.inputs(steps.observation, policy, summary, steps.actions)
        hidden_states, outputs = network.apply(params[name], start[name], inputs, steps.first)
        forwards[name] = Forward(
            outputs=outputs,
            hidden_states=hidden_states,
            at_successors=_at_successors(hidden_states, rollout.truncations),
        )
    return forwards


def _actor_forward(
    plan: EstimationPlan, params: Params, start: HiddenStates, rollout: Rollout
) -> Forward:
    steps = rollout.steps
    hidden_states, policy = apply_actor(
        plan.actor,
        params["actor"],
        start["actor"],
        steps.observation.observations,
        steps.observation.available_actions,
        steps.first,
    )
    return Forward(
        outputs=policy,
        hidden_states=hidden_states,
        at_successors=_at_successors(hidden_states, rollout.truncations),
    )


def _at_successors(hidden_states: Any, truncations: Truncations) -> Any:
    """The hidden states after truncated steps (unused slots: anything) and after the last step."""

    def choose(leaf: jax.Array) -> jax.Array:
        places = jnp.minimum(truncations.index, len(leaf) - 1)
        at_truncations = leaf[places, jnp.arange(places.shape[1])]
        return jnp.concatenate([at_truncations, leaf[-1:]])

    return jax.tree.map(choose, hidden_states)


def _before_each_step(forwards: Forwards, starts: HiddenStates) -> HiddenStates:
    """Shift the hidden states after each step to those before it, [M, T, ...] to [M T, ...]."""

    def shift(hidden_states: jax.Array, start: jax.Array) -> jax.Array:
        return jnp.concatenate([start[:, None], hidden_states[:, :-1]], axis=1)

    after = {name: each.hidden_states for name, each in forwards.items()}
    return merge_time(jax.tree.map(shift, after, starts))
