"""GAE, GPAE, COMA and DAE on tensors; all is said in :mod:`gpae.estimators.advantages`."""

from jaxtyping import Bool, Float, Int

import torch
from gpae.estimators._validation import Shape
from gpae.torch._agents import select, with_agent_axis
from gpae.torch._recursion import backward_sums, next_traces
from gpae.torch._validation import booleans, floats, fraction, integers
from torch import Tensor


@torch.no_grad()
def gae(
    rewards: Float[Tensor, "T *B"],
    values: Float[Tensor, "T *B"],
    next_values: Float[Tensor, "T *B"],
    discounts: Float[Tensor, "T *B"],
    boundaries: Bool[Tensor, "T *B"],
    lambda_: float,
) -> Float[Tensor, "T *B"]:
    """Generalised advantage estimation: :func:`gpae.estimators.gae`, its arguments and errors."""
    values = floats("values", values, Shape("T *B"))
    steps = Shape("T *B", tuple(values.shape), "values")
    rewards = floats("rewards", rewards, steps)
    next_values = floats("next_values", next_values, steps)
    discounts = floats("discounts", discounts, steps)
    boundaries = booleans("boundaries", boundaries, steps)
    decay = discounts * fraction("lambda_", lambda_)
    return backward_sums(rewards + discounts * next_values - values, decay, boundaries)


@torch.no_grad()
def gpae(
    rewards: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    values: Float[Tensor, "T *B N"],
    next_values: Float[Tensor, "T *B N"],
    discounts: Float[Tensor, "T *B"],
    boundaries: Bool[Tensor, "T *B"],
    traces: Float[Tensor, "T *B N"] | float,
    *,
    bootstrap_weights: Float[Tensor, "T *B N"] | None = None,
) -> Float[Tensor, "T *B N"]:
    """Generalised per-agent advantage estimation (Eq. 5 and 7): :func:`gpae.estimators.gpae`.

    Arguments and errors are the same.
    """
    values = floats("values", values, Shape("T *B N"))
    agents = Shape("T *B N", tuple(values.shape), "values")
    steps = Shape("T *B", tuple(values.shape[:-1]), "values")
    rewards = with_agent_axis(floats("rewards", rewards, steps, agents), values.ndim)
    next_values = floats("next_values", next_values, agents)
    discounts = floats("discounts", discounts, steps)[..., None]
    boundaries = booleans("boundaries", boundaries, steps)[..., None]
    if bootstrap_weights is not None:
        next_values = next_values * floats("bootstrap_weights", bootstrap_weights, agents)
    factors = discounts * next_traces("traces", traces, agents)
    return backward_sums(rewards + discounts * next_values - values, factors, boundaries)


@torch.no_grad()
def coma(
    action_values: Float[Tensor, "*B N A"],
    probabilities: Float[Tensor, "*B N A"],
    actions: Int[Tensor, "*B N"],
) -> Float[Tensor, "*B N"]:
    """Counterfactual advantages (Eq. 2): :func:`gpae.estimators.coma`, its arguments and errors."""
    action_values = floats("action_values", action_values, Shape("*B N A"))
    shape = tuple(action_values.shape)
    probabilities = floats("probabilities", probabilities, Shape("*B N A", shape, "action_values"))
    actions = integers("actions", actions, Shape("*B N", shape[:-1], "action_values"))
    return select(action_values, actions) - (probabilities * action_values).sum(-1)


@torch.no_grad()
def dae(
    rewards: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    expected_rewards: Float[Tensor, "T *B N"],
    values: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    next_values: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    discounts: Float[Tensor, "T *B"],
    boundaries: Bool[Tensor, "T *B"],
    lambda_: Float[Tensor, "T *B N"] | float,
    beta: float,
) -> Float[Tensor, "T *B N"]:
    """Difference advantage estimation (Eq. 3): :func:`gpae.estimators.dae`.

    Arguments and errors are the same.
    """
    expected_rewards = floats("expected_rewards", expected_rewards, Shape("T *B N"))
    rank, shape = expected_rewards.ndim, tuple(expected_rewards.shape)
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
    errors = errors.broadcast_to(torch.broadcast_shapes(errors.shape, decay.shape))
    expected = backward_sums(beta * expected_rewards, decay * beta, boundaries)
    return backward_sums(errors, decay, boundaries) - expected
