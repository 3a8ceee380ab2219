"""The estimate: a window of rollouts turned into a batch with advantages and targets."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gpae.environments.environment import Observation
from gpae.methods import Batch, Evidence, HiddenStates, Steps
from gpae.networks import Policy
from gpae.training.estimation.evidence import WindowEvidence
from gpae.training.estimation.forward import EstimationPlan, Forwards, window_forward
from gpae.training.estimation.successors import Successors
from gpae.training.keys import Clock, Purpose, derive_each
from gpae.training.state import Forward, Params, Window
from gpae.training.window import merge_time


class Estimation(NamedTuple):
    """The estimate over a window.

    Attributes:
        batch: The batch that gradient steps learn from, [M T, E, ...].
        hidden_states: The hidden states *before* each of its steps, [M T, E, ...].
        after: Those after its last step, with which the next rollout begins, [E, ...].
        coefficients: The trace coefficients, lambda left out, [M T, E, N].
    """

    batch: Batch
    hidden_states: HiddenStates
    after: HiddenStates
    coefficients: Float[Array, "T E N"]


def estimate(
    plan: EstimationPlan,
    params: Params,
    window: Window,
    last: Observation,
    clock: Clock,
    environments: Int[Array, " E"],
    acted: Forward | None = None,
) -> Estimation:
    """Estimate advantages and targets over the window.

    Args:
        plan: The constants.
        params: The current parameters.
        window: The rollouts.
        last: The observation after the window's last step, [E, ...].
        clock: Seed and number of updates made, for the keys of actions that have to be sampled.
        environments: The environments' numbers in the whole run.
        acted: The actor's forward pass over the window's only rollout, as it acted with the current
            parameters: then the policies need not be computed again.

    Raises:
        ValueError: ``acted`` is given, but there is more than one rollout.
    """
    gathered = gather_evidence(plan, params, window, last, clock, environments, acted)
    evidence, policy = gathered.evidence, gathered.policy
    estimated = plan.method.estimate(evidence)
    batch = Batch(
        steps=gathered.steps,
        policy=policy,
        policy_summary=policy.summary(),
        log_ratios=evidence.log_ratios,
        advantages=estimated.advantages,
        values={
            name: plan.networks[name].predictions(evidence.networks[name].values)
            for name in estimated.targets
        },
        targets=estimated.targets,
        weights=_existing(window),
    )
    return Estimation(batch, gathered.before, gathered.after, estimated.coefficients)


class Gathered(NamedTuple):
    """Everything over a window that estimates are made from.

    Attributes:
        evidence: The input of methods.
        steps: The window's steps, [M T, E, ...].
        policy: The current policies there.
        before: The hidden states before each step, [M T, E, ...].
        after: Those after the last step, [E, ...].
    """

    evidence: Evidence
    steps: Steps
    policy: Policy
    before: HiddenStates
    after: HiddenStates


def gather_evidence(
    plan: EstimationPlan,
    params: Params,
    window: Window,
    last: Observation,
    clock: Clock,
    environments: Int[Array, " E"],
    acted: Forward | None = None,
) -> Gathered:
    """The evidence of a window, for any number of methods that have its networks.

    Arguments and errors are those of :func:`estimate`.
    """
    forwards, before = window_forward(plan, params, window, acted)
    successor_keys = derive_each(clock.seed, Purpose.SUCCESSOR_ACTION, clock.update, environments)
    own_keys = derive_each(clock.seed, Purpose.OWN_ACTIONS, clock.update, environments)
    successors = Successors(plan, params, window.rollouts, forwards, last, successor_keys)
    steps, merged = merge_time((window.rollouts.steps, forwards))
    networks = {
        name: WindowEvidence(name, plan, params, steps, merged, before, successors, own_keys)
        for name in plan.networks
    }
    policy = merged["actor"].outputs
    evidence = _evidence(plan, steps, policy, networks)
    return Gathered(evidence, steps, policy, before, _after_the_last_step(forwards))


def _evidence(
    plan: EstimationPlan, steps: Steps, policy: Policy, networks: dict[str, WindowEvidence]
) -> Evidence:
    """The method's input over a window's steps, in merged time."""
    final = jnp.arange(len(steps.first)) == len(steps.first) - 1
    return Evidence(
        rewards=steps.rewards,
        discounts=jnp.where(steps.terminated, 0.0, plan.discount),
        boundaries=steps.terminated | steps.truncated,
        log_ratios=policy.log_prob(steps.actions) - steps.log_probs,
        resampled=steps.truncated | final[:, None],
        networks=networks,
    )


def _after_the_last_step(forwards: Forwards) -> HiddenStates:
    ends = {name: each.at_successors for name, each in forwards.items()}
    return jax.tree.map(lambda leaf: leaf[-1, -1], ends)


def _existing(window: Window) -> Float[Array, "T E"]:
    """1 for the steps of rollouts that exist, in merged time."""
    first = window.rollouts.steps.first
    exists = jnp.broadcast_to(window.valid[:, None, None], first.shape)
    return merge_time(exists).astype(jnp.float32)
