"""This library's own estimators on tensors; see :mod:`gpae.estimators.control_variates`."""

from jaxtyping import Bool, Float

import torch
from gpae.estimators._validation import Shape
from gpae.torch._agents import with_agent_axis
from gpae.torch._recursion import backward_sums, next_traces
from gpae.torch._validation import booleans, floats
from torch import Tensor


@torch.no_grad()
def v_bootstrapped(
    rewards: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    values: Float[Tensor, "T *B N"],
    state_values: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    next_state_values: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    discounts: Float[Tensor, "T *B"],
    boundaries: Bool[Tensor, "T *B"],
    traces: Float[Tensor, "T *B N"] | float,
) -> Float[Tensor, "T *B N"]:
    """V-bootstrapped per-agent advantages: :func:`gpae.estimators.v_bootstrapped`.

    Arguments and errors are the same.
    """
    control = ("state_values", state_values)
    return _corrected(control, rewards, values, next_state_values, discounts, boundaries, traces)


@torch.no_grad()
def q_corrected(
    rewards: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    values: Float[Tensor, "T *B N"],
    action_values: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    next_state_values: Float[Tensor, "T *B"] | Float[Tensor, "T *B N"],
    discounts: Float[Tensor, "T *B"],
    boundaries: Bool[Tensor, "T *B"],
    traces: Float[Tensor, "T *B N"] | float,
) -> Float[Tensor, "T *B N"]:
    """Q-corrected per-agent advantages: :func:`gpae.estimators.q_corrected`.

    Arguments and errors are the same.
    """
    control = ("action_values", action_values)
    return _corrected(control, rewards, values, next_state_values, discounts, boundaries, traces)


@torch.no_grad()
def decomposed_values(
    state_values: Float[Tensor, "*B"], terms: Float[Tensor, "*B N"]
) -> tuple[Float[Tensor, "*B"], Float[Tensor, "*B N"]]:
    """Values of a decomposed critic: :func:`gpae.estimators.decomposed_values`.

    Arguments and errors are the same.
    """
    terms = floats("terms", terms, Shape("*B N"))
    steps = Shape("*B", tuple(terms.shape[:-1]), "terms")
    action_values = floats("state_values", state_values, steps) + terms.sum(-1)
    return action_values, action_values[..., None] - terms


def _corrected(
    control: tuple[str, Tensor],
    rewards: Tensor,
    values: Tensor,
    next_state_values: Tensor,
    discounts: Tensor,
    boundaries: Tensor,
    traces: Tensor | float,
) -> Tensor:
    """Both estimators, by their control variate and its name."""
    values = floats("values", values, Shape("T *B N"))
    rank = values.ndim
    agents = Shape("T *B N", tuple(values.shape), "values")
    steps = Shape("T *B", tuple(values.shape[:-1]), "values")
    rewards = with_agent_axis(floats("rewards", rewards, steps, agents), rank)
    given = floats(*control, steps, agents)
    like_control = agents if given.ndim == rank else steps
    following = with_agent_axis(floats("next_state_values", next_state_values, like_control), rank)
    given = with_agent_axis(given, rank)
    discounts = floats("discounts", discounts, steps)[..., None]
    boundaries = booleans("boundaries", boundaries, steps)[..., None]
    decay = discounts * next_traces("traces", traces, agents)
    errors = rewards + discounts * following - given
    errors = errors.broadcast_to(torch.broadcast_shapes(errors.shape, decay.shape))
    return backward_sums(errors, decay, boundaries) + given - values
