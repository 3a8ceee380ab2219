"""Regression targets of the per-agent critic on tensors."""

from jaxtyping import Float

import torch
from gpae.estimators._validation import Shape
from gpae.torch._ratios import bounded_exp
from gpae.torch._validation import floats, positive
from torch import Tensor


@torch.no_grad()
def value_targets(
    values: Float[Tensor, "T *B N"],
    advantages: Float[Tensor, "T *B N"],
    log_ratios: Float[Tensor, "T *B N"],
    *,
    limit: float = 1.0,
) -> Float[Tensor, "T *B N"]:
    """Targets of the per-agent values (Eq. 11): :func:`gpae.estimators.value_targets`.

    Arguments and errors are the same.
    """
    values = floats("values", values, Shape("T *B N"))
    agents = Shape("T *B N", tuple(values.shape), "values")
    advantages = floats("advantages", advantages, agents)
    log_ratios = floats("log_ratios", log_ratios, agents)
    return values + bounded_exp(log_ratios, positive("limit", limit)) * advantages
