"""The networks run over the window without gradients, from the recurrent states it began with."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float, PyTree

from gpae.methods import Method
from gpae.networks import Actor, Critic, Policy, RewardEnsemble, apply_actor, apply_critic
from gpae.training.state import Behaviour, HiddenStates, Params, Rollout, Truncations, Window
from gpae.training.valuation import Outputs, critic_inputs
from gpae.training.window import merge_time


@dataclass(frozen=True)
class EstimationPlan:
    """What estimation needs to know that never changes in a run.

    Attributes:
        actor: The policy network.
        critic: The value network.
        reward_models: The method's reward models, if it has any.
        method: What turns evidence into advantages and targets.
        discount: The discount factor gamma.
    """

    actor: Actor
    critic: Critic
    reward_models: RewardEnsemble | None
    method: Method
    discount: float


@struct.dataclass
class Pass:
    """What the networks say of every step with the current parameters, [T, E, ...].

    Attributes:
        log_probs: log pi^i of the action taken, [T, E, N].
        policy: The policies, [T, E, N, A].
        outputs: The critic's values, [T, E, C], or action values, [T, E, N, A].
        hidden_states: The recurrent states *after* each step.
        at_successors: Those of them after truncated steps, in the slots of the rollout's
            truncations, and after the last step, [K+1, E, ...].
    """

    log_probs: Float[Array, "T E N"]
    policy: Policy
    outputs: Outputs
    hidden_states: HiddenStates
    at_successors: HiddenStates


def window_pass(
    plan: EstimationPlan,
    params: Params,
    window: Window,
    behaviour: Behaviour | None = None,
) -> tuple[Pass, HiddenStates]:
    """Run the networks over every rollout of the window, [M, T, E, ...].

    The oldest rollout that exists begins with the recurrent states stored when it was collected;
    each later one continues with those recomputed.

    Args:
        plan: What never changes.
        params: The current parameters.
        window: The rollouts.
        behaviour: What acted in the window's only rollout, [T, E, ...], with the current
            parameters.

    Returns:
        What they say, and the recurrent states *before* each step, [M T, E, ...].

    Raises:
        ValueError: There is a ``behaviour``, but more than one rollout.
    """
    if behaviour is not None and len(window.valid) > 1:
        raise ValueError(f"behaviour: a window of {len(window.valid)} rollouts, expected one")
    acted = jax.tree.map(lambda leaf: leaf[None], behaviour)
    before = jnp.concatenate([jnp.zeros(1, bool), window.valid[:-1]])

    def over_rollout(
        carried: HiddenStates, inputs: tuple[Rollout, Behaviour | None, Bool[Array, ""]]
    ) -> tuple[HiddenStates, tuple[Pass, HiddenStates]]:
        rollout, acted, continues = inputs
        start = jax.tree.map(partial(jnp.where, continues), carried, rollout.hidden_states)
        result = rollout_pass(plan, params, start, rollout, acted)
        end = jax.tree.map(lambda leaf: leaf[-1], result.at_successors)
        return end, (result, start)

    stored = jax.tree.map(lambda leaf: leaf[0], window.rollouts.hidden_states)
    _, (passes, starts) = jax.lax.scan(over_rollout, stored, (window.rollouts, acted, before))
    return passes, _hidden_states_before(passes.hidden_states, starts)


def rollout_pass(
    plan: EstimationPlan,
    params: Params,
    start: HiddenStates,
    rollout: Rollout,
    behaviour: Behaviour | None = None,
) -> Pass:
    """Run both networks over a rollout, [T, E, ...], from the given recurrent states.

    Where it is known what acted in it with these parameters, only the critic is run.
    """
    steps, truncations = rollout.steps, rollout.truncations
    if behaviour is None:
        hidden_states, policy = apply_actor(
            plan.actor,
            params.actor,
            start.actor,
            steps.observation.observations,
            steps.observation.available_actions,
            steps.first,
        )
        behaviour = Behaviour(
            policy=policy,
            hidden_states=hidden_states,
            at_successors=_at_successors(hidden_states, truncations),
        )
    policy = behaviour.policy
    features, summary = policy.features(steps.actions), policy.summary()
    critic_hidden_states, outputs = apply_critic(
        plan.critic,
        params.critic,
        start.critic,
        critic_inputs(plan.critic.spec, steps.observation, features, summary),
        steps.first,
    )
    return Pass(
        log_probs=policy.log_prob(steps.actions),
        policy=policy,
        outputs=outputs,
        hidden_states=HiddenStates(actor=behaviour.hidden_states, critic=critic_hidden_states),
        at_successors=HiddenStates(
            actor=behaviour.at_successors, critic=_at_successors(critic_hidden_states, truncations)
        ),
    )


def _at_successors(hidden_states: PyTree, truncations: Truncations) -> PyTree:
    """The hidden states after truncated steps (unused slots: anything) and after the last step."""

    def at_successors(hidden_states: Array) -> Array:
        places = jnp.minimum(truncations.index, len(hidden_states) - 1)
        at_truncations = hidden_states[places, jnp.arange(places.shape[1])]
        return jnp.concatenate([at_truncations, hidden_states[-1:]])

    return jax.tree.map(at_successors, hidden_states)


def _hidden_states_before(after: HiddenStates, starts: HiddenStates) -> HiddenStates:
    """Shift the hidden states after each step to those before it, [M, T, ...] to [M T, ...]."""

    def shift(hidden_states: jax.Array, start: jax.Array) -> jax.Array:
        return jnp.concatenate([start[:, None], hidden_states[:, :-1]], axis=1)

    return merge_time(jax.tree.map(shift, after, starts))
