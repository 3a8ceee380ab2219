"""The networks run over the window without gradients, from the recurrent states it began with."""

from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool, Float

from gpae.methods import Method
from gpae.networks import Actor, Critic, Policy, RewardEnsemble, apply_actor, apply_critic
from gpae.training.state import Behaviour, Cuts, Memories, Parameters, Rollout, Window
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
        memories: The recurrent states *after* each step.
        at_successors: Those of them after truncated steps, in the slots of the rollout's cuts, and
            after the last step, [K+1, E, ...].
    """

    log_probs: Float[Array, "T E N"]
    policy: Policy
    outputs: Outputs
    memories: Memories
    at_successors: Memories


def window_pass(
    plan: EstimationPlan,
    parameters: Parameters,
    window: Window,
    behaviour: Behaviour | None = None,
) -> tuple[Pass, Memories]:
    """Run the networks over every rollout of the window, [M, T, E, ...].

    The oldest rollout that exists begins with the recurrent states stored when it was collected;
    each later one continues with those recomputed.

    Args:
        plan: What never changes.
        parameters: The current parameters.
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
        carried: Memories, inputs: tuple[Rollout, Behaviour | None, Bool[Array, ""]]
    ) -> tuple[Memories, tuple[Pass, Memories]]:
        rollout, acted, continues = inputs
        start = jax.tree.map(partial(jnp.where, continues), carried, rollout.memories)
        result = rollout_pass(plan, parameters, start, rollout, acted)
        end = jax.tree.map(lambda leaf: leaf[-1], result.at_successors)
        return end, (result, start)

    stored = jax.tree.map(lambda leaf: leaf[0], window.rollouts.memories)
    _, (passes, starts) = jax.lax.scan(over_rollout, stored, (window.rollouts, acted, before))
    return passes, _memories_before(passes.memories, starts)


def rollout_pass(
    plan: EstimationPlan,
    parameters: Parameters,
    start: Memories,
    rollout: Rollout,
    behaviour: Behaviour | None = None,
) -> Pass:
    """Run both networks over a rollout, [T, E, ...], from the given recurrent states.

    Where it is known what acted in it with these parameters, only the critic is run.
    """
    steps, cuts = rollout.steps, rollout.cuts
    if behaviour is None:
        memories, policy = apply_actor(
            plan.actor,
            parameters.actor,
            start.actor,
            steps.view.observations,
            steps.view.available_actions,
            steps.first,
        )
        behaviour = Behaviour(
            policy=policy, memories=memories, at_successors=_at_successors(memories, cuts)
        )
    policy = behaviour.policy
    features, summary = policy.features(steps.actions), policy.summary()
    critic_memories, outputs = apply_critic(
        plan.critic,
        parameters.critic,
        start.critic,
        critic_inputs(plan.critic.spec, steps.view, features, summary),
        steps.first,
    )
    return Pass(
        log_probs=policy.log_prob(steps.actions),
        policy=policy,
        outputs=outputs,
        memories=Memories(actor=behaviour.memories, critic=critic_memories),
        at_successors=Memories(
            actor=behaviour.at_successors, critic=_at_successors(critic_memories, cuts)
        ),
    )


def _at_successors(memories: Float[Array, "T E C M"], cuts: Cuts) -> Float[Array, "K+1 E C M"]:
    """The memories after truncated steps, anything in unused slots, and after the last step."""
    places = jnp.minimum(cuts.index, len(memories) - 1)
    at_cuts = memories[places, jnp.arange(places.shape[1])]
    return jnp.concatenate([at_cuts, memories[-1:]])


def _memories_before(after: Memories, starts: Memories) -> Memories:
    """Shift the memories after each step to those before it, [M, T, ...] to [M T, ...]."""

    def shift(memories: jax.Array, start: jax.Array) -> jax.Array:
        return jnp.concatenate([start[:, None], memories[:, :-1]], axis=1)

    return merge_time(jax.tree.map(shift, after, starts))
