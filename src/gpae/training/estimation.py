"""The window turned into a batch: ratios, values, successor values and the method's estimate."""

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int, PyTree

from gpae.environments.environment import Observation
from gpae.methods import Estimate, Evidence
from gpae.networks import Policy
from gpae.training.keys import Clock, Purpose, derive_each
from gpae.training.own_actions import Situation, expected_rewards, own_action_values
from gpae.training.passes import EstimationPlan, window_pass
from gpae.training.state import Behaviour, HiddenStates, Params, Steps, Window
from gpae.training.successors import successor_values
from gpae.training.valuation import of_taken
from gpae.training.window import merge_time


@struct.dataclass
class Batch:
    """What the gradient steps learn from; all [M T, E, ...].

    Attributes:
        steps: The steps of the window.
        policy: The policies as the iteration began, [.., N, A].
        log_ratios: log pi - log mu as the iteration began, [.., N].
        values: The critic's values as the iteration began, of the actions taken, [.., C].
        estimate: The method's advantages and targets.
        hidden_states: The recurrent states *before* each step.
        weights: 1 for steps that exist, 0 for those of rollouts not collected yet, [M T, E].
    """

    steps: Steps
    policy: Policy
    log_ratios: Float[Array, "T E N"]
    values: Float[Array, "T E C"]
    estimate: Estimate
    hidden_states: HiddenStates
    weights: Float[Array, "T E"]


def estimate(
    plan: EstimationPlan,
    params: Params,
    window: Window,
    successor: Observation,
    clock: Clock,
    environments: Int[Array, " E"],
    behaviour: Behaviour | None = None,
) -> tuple[Batch, PyTree]:
    """Turn the window into a batch.

    Args:
        plan: What never changes.
        params: The current parameters.
        window: The rollouts.
        successor: What is seen after the window's last step, [E, ...].
        clock: Seed and number of updates made, for the keys of actions that have to be sampled.
        environments: The environments' numbers in the whole run.
        behaviour: What acted in the window's only rollout, [T, E, ...], with the current
            params: then the policies need not be computed again.

    Returns:
        The batch, and the critic's hidden state after the window's last step, with which the next
        rollout begins.

    Raises:
        ValueError: There is a ``behaviour``, but more than one rollout.
    """
    passes, before = window_pass(plan, params, window, behaviour)
    steps, merged = merge_time((window.rollouts.steps, passes))
    values = of_taken(plan.critic.spec, merged.outputs, steps.actions)
    successor_keys = derive_each(clock.seed, Purpose.SUCCESSOR_ACTION, clock.update, environments)
    next_values = successor_values(
        plan, params, window.rollouts, passes, values, successor, successor_keys
    )
    situation = Situation(
        steps=steps,
        policy=merged.policy,
        outputs=merged.outputs,
        hidden_states=before,
        keys=derive_each(clock.seed, Purpose.OWN_ACTIONS, clock.update, environments),
    )
    log_ratios = merged.log_probs - steps.log_probs
    evidence = _evidence(plan, params, situation, values, next_values, log_ratios)
    batch = Batch(
        steps=steps,
        policy=merged.policy,
        log_ratios=log_ratios,
        values=values,
        estimate=plan.method.estimate(evidence),
        hidden_states=before,
        weights=_existing(window),
    )
    return batch, jax.tree.map(lambda leaf: leaf[-1, -1], passes.at_successors.critic)


def _evidence(
    plan: EstimationPlan,
    params: Params,
    situation: Situation,
    values: Float[Array, "T E C"],
    next_values: Float[Array, "T E C"],
    log_ratios: Float[Array, "T E N"],
) -> Evidence:
    """What the method is told of the steps."""
    steps = situation.steps
    last = jnp.arange(steps.rewards.shape[0]) == steps.rewards.shape[0] - 1
    return Evidence(
        rewards=steps.rewards,
        discounts=jnp.where(steps.terminated, 0.0, plan.discount),
        boundaries=steps.terminated | steps.truncated,
        values=values,
        next_values=next_values,
        log_ratios=log_ratios,
        resampled=steps.truncated | last[:, None],
        own_actions=own_action_values(plan, params, situation),
        expected_rewards=expected_rewards(plan, params, situation),
    )


def _existing(window: Window) -> Float[Array, "T E"]:
    """1 for the steps of rollouts that exist, in merged time."""
    rewards = window.rollouts.steps.rewards
    exists = jnp.broadcast_to(window.valid[:, None, None], rewards.shape)
    return merge_time(exists).astype(jnp.float32)
