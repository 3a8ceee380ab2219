"""Advantage estimators: GAE, GPAE, COMA and DAE.

Shapes: T steps in time order, ``*B`` any number of batch axes, N agents, A actions. Rewards, values
and advantages share one unit, that of the reward.
"""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Bool, Float, Int

from gpae.estimators._agents import select, with_agent_axis
from gpae.estimators._recursion import backward_sums, next_traces
from gpae.estimators._validation import (
    Shape,
    booleans,
    floats,
    fraction,
    integers,
)


def gae(
    rewards: Float[ArrayLike, "T *B"],
    values: Float[ArrayLike, "T *B"],
    next_values: Float[ArrayLike, "T *B"],
    discounts: Float[ArrayLike, "T *B"],
    boundaries: Bool[ArrayLike, "T *B"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B"]:
    """Generalised advantage estimation (Schulman et al., 2016, Eq. 16): one advantage for the team.

    ``A[t] = delta[t] + discounts[t] * lambda_ * A[t + 1]``, the last term dropped at boundaries and
    at the last step, with ``delta[t] = rewards[t] + discounts[t] * next_values[t] - values[t]``.
    MAPPO gives it to every agent (Eq. 1).

    Args:
        rewards: Team reward of step t.
        values: Value of the state that step t starts from.
        next_values: Value of the true successor of step t, before any reset.
        discounts: Discount factor, or 0 where step t ended the episode by termination.
        boundaries: Whether step t is the last of its episode, by termination or truncation.
        lambda_: Decay of the traces, in [0, 1]: 0 for the one-step TD error, 1 for the full return.

    Returns:
        Advantages, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    values = floats("values", values, Shape("T *B"))
    steps = Shape("T *B", values.shape, "values")
    rewards = floats("rewards", rewards, steps)
    next_values = floats("next_values", next_values, steps)
    discounts = floats("discounts", discounts, steps)
    boundaries = booleans("boundaries", boundaries, steps)
    lambda_ = fraction("lambda_", lambda_)
    errors = rewards + discounts * next_values - values
    return lax.stop_gradient(backward_sums(errors, discounts * lambda_, boundaries))


def gpae(
    rewards: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    values: Float[ArrayLike, "T *B N"],
    next_values: Float[ArrayLike, "T *B N"],
    discounts: Float[ArrayLike, "T *B"],
    boundaries: Bool[ArrayLike, "T *B"],
    traces: Float[ArrayLike, "T *B N"] | Float[ArrayLike, ""],
    *,
    bootstrap_weights: Float[ArrayLike, "T *B N"] | None = None,
) -> Float[Array, "T *B N"]:
    """Generalised per-agent advantage estimation, on- and off-policy (Eq. 5 and 7).

    ``A[t] = delta[t] + discounts[t] * traces[t + 1] * A[t + 1]``, the last term dropped at
    boundaries and at the last step, with
    ``delta[t] = rewards[t] + discounts[t] * w[t] * next_values[t] - values[t]`` for each agent and
    ``w`` either 1, as in the paper, or ``bootstrap_weights``. With one agent and a scalar trace it
    is :func:`gae`.

    Args:
        rewards: Reward of step t, the team's or one for each agent.
        values: ``EQ^i`` of step t: agent i's value given the state and the actions of the others.
        next_values: ``EQ^i`` at the true successor of step t, before any reset.
        discounts: Discount factor, or 0 where step t ended the episode by termination.
        boundaries: Whether step t is the last of its episode, by termination or truncation.
        traces: ``lambda * c`` of step t, from :func:`gpae.estimators.traces` (the paper's c), or
            on-policy the scalar lambda, in [0, 1]. The values of an array are not checked;
            ``traces[0]`` has no effect.
        bootstrap_weights: Factors of ``next_values``, from
            :func:`gpae.estimators.bootstrap_weights`. The other agents' ratio ``rho^-i`` of the
            successor's actions corrects a bootstrap at actions that the behaviour policy chose.

    Returns:
        Advantages of each agent, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    values = floats("values", values, Shape("T *B N"))
    agents = Shape("T *B N", values.shape, "values")
    steps = Shape("T *B", values.shape[:-1], "values")
    rewards = with_agent_axis(floats("rewards", rewards, steps, agents), values.ndim)
    next_values = floats("next_values", next_values, agents)
    discounts = floats("discounts", discounts, steps)[..., None]
    boundaries = booleans("boundaries", boundaries, steps)[..., None]
    if bootstrap_weights is not None:
        next_values = next_values * floats("bootstrap_weights", bootstrap_weights, agents)
    errors = rewards + discounts * next_values - values
    factors = discounts * next_traces("traces", traces, agents)
    return lax.stop_gradient(backward_sums(errors, factors, boundaries))


def coma(
    action_values: Float[ArrayLike, "*B N A"],
    probabilities: Float[ArrayLike, "*B N A"],
    actions: Int[ArrayLike, "*B N"],
) -> Float[Array, "*B N"]:
    """Counterfactual one-step advantage of each agent (Foerster et al., 2018; Eq. 2).

    ``A^i = Q(s, a) - sum_b pi^i(b) * Q(s, b, a^-i)``.

    Args:
        action_values: ``Q(s, b, a^-i)`` for each action b of agent i, the other agents' actions as
            taken; finite for every action, available or not.
        probabilities: The target policy's probability of each action of agent i.
        actions: Action that agent i took. The advantage is NaN where it is outside ``[0, A)``.

    Returns:
        Advantages of each agent, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape; the message names it.
    """
    action_values = floats("action_values", action_values, Shape("*B N A"))
    shape = action_values.shape
    probabilities = floats("probabilities", probabilities, Shape("*B N A", shape, "action_values"))
    actions = integers("actions", actions, Shape("*B N", shape[:-1], "action_values"))
    baseline = (probabilities * action_values).sum(axis=-1)
    return lax.stop_gradient(select(action_values, actions) - baseline)


def dae(
    rewards: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    expected_rewards: Float[ArrayLike, "T *B N"],
    values: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    next_values: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    discounts: Float[ArrayLike, "T *B"],
    boundaries: Bool[ArrayLike, "T *B"],
    lambda_: Float[ArrayLike, "T *B N"] | Float[ArrayLike, ""],
    beta: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Difference advantage estimation (Li et al., 2022; Eq. 3): GAE less expected rewards.

    ``A[t] = GAE[t] - B[t]`` with
    ``B[t] = beta * expected_rewards[t] + discounts[t] * lambda_ * beta * B[t + 1]``, the last term
    dropped at boundaries and at the last step.

    Args:
        rewards: Reward of step t, the team's or one for each agent.
        expected_rewards: ``E_{a^i}[r]`` of step t, of the team's reward or of agent i's: agent i's
            action averaged out under its policy.
        values: Value of the state that step t starts from, the team's or one for each agent.
        next_values: Value of the true successor of step t, before any reset; as many as ``values``.
        discounts: Discount factor, or 0 where step t ended the episode by termination.
        boundaries: Whether step t is the last of its episode, by termination or truncation.
        lambda_: Decay of the traces, in [0, 1]; or, off-policy, the traces of every step and agent,
            of which ``A[t]`` uses that of step t + 1, as in :func:`gpae`.
        beta: Credit assignment, in [0, 1]; 0 is GAE for every agent.

    Returns:
        Advantages of each agent, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    expected_rewards = floats("expected_rewards", expected_rewards, Shape("T *B N"))
    rank, shape = expected_rewards.ndim, expected_rewards.shape
    agents = Shape("T *B N", shape, "expected_rewards")
    steps = Shape("T *B", shape[:-1], "expected_rewards")
    values = floats("values", values, steps, agents)
    rewards = with_agent_axis(floats("rewards", rewards, steps, agents), rank)
    like_values = agents if values.ndim == rank else steps
    next_values = with_agent_axis(floats("next_values", next_values, like_values), rank)
    discounts = floats("discounts", discounts, steps)[..., None]
    boundaries = booleans("boundaries", boundaries, steps)[..., None]
    beta = fraction("beta", beta)
    decay = discounts * next_traces("lambda_", lambda_, agents)
    errors = rewards + discounts * next_values - with_agent_axis(values, rank)
    errors = jnp.broadcast_to(errors, jnp.broadcast_shapes(errors.shape, decay.shape))
    advantages = backward_sums(errors, decay, boundaries)
    expected = backward_sums(beta * expected_rewards, decay * beta, boundaries)
    return lax.stop_gradient(advantages - expected)
