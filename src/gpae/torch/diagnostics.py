"""Diagnostics on tensors: the advantage gap and the trace distances."""

from jaxtyping import Float, Int

import torch
from gpae.estimators._validation import Shape
from gpae.torch._agents import select
from gpae.torch._validation import floats, integers
from torch import Tensor


@torch.no_grad()
def advantage_gap(
    advantages: Float[Tensor, "*B N"], agents: Int[Tensor, "*B"]
) -> Float[Tensor, "*B"]:
    """Gap of a misbehaving agent's advantage: :func:`gpae.estimators.advantage_gap`.

    Arguments and errors are the same.
    """
    advantages = floats("advantages", advantages, Shape("*B N"))
    agents = integers("agents", agents, Shape("*B", tuple(advantages.shape[:-1]), "advantages"))
    count = advantages.shape[-1]
    if count < 2:
        raise ValueError(f"advantages must have two agents or more; found {count} agent")
    differences = advantages - select(advantages, agents)[..., None]
    return differences.sum(-1) / (count - 1)


@torch.no_grad()
def trace_distances(
    coefficients: Float[Tensor, "*B N"], log_ratios: Float[Tensor, "*B N"]
) -> tuple[Float[Tensor, "*B N"], Float[Tensor, "*B N"]]:
    """Distances of trace coefficients from the ratios: :func:`gpae.estimators.trace_distances`.

    Arguments and errors are the same.
    """
    coefficients = floats("coefficients", coefficients, Shape("*B N"))
    shape = Shape("*B N", tuple(coefficients.shape), "coefficients")
    log_ratios = floats("log_ratios", log_ratios, shape)
    joint = log_ratios.sum(-1, keepdim=True).exp()
    return (coefficients - joint).abs(), (coefficients - log_ratios.exp()).abs()
