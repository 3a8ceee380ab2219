"""Backward recursion shared by every multi-step estimator, and its traces."""

from typing import Any

import torch
from gpae.estimators._validation import Shape, is_scalar
from gpae.torch._validation import floats, fraction
from torch import Tensor


def backward_sums(increments: Tensor, factors: Tensor, boundaries: Tensor) -> Tensor:
    """Sums ``x[t] = increments[t] + factors[t] * x[t + 1]``, from the last step to the first.

    At a boundary, and at the last step, ``x[t] = increments[t]``: later steps leave it untouched,
    even if they hold NaN or infinity.

    Args:
        increments: Increment of step t, [T, *S].
        factors: The weight of step t+1 in step t; broadcast against ``increments``.
        boundaries: Whether step t is the last of its episode; broadcast likewise.
    """
    increments = increments.to(torch.promote_types(increments.dtype, factors.dtype))
    sums = torch.empty_like(increments)
    following = increments.new_zeros(increments.shape[1:])
    for step in reversed(range(len(increments))):
        carried = (factors[step] * following).masked_fill(boundaries[step], 0.0)
        sums[step] = following = increments[step] + carried
    return sums


def next_traces(name: str, traces: Any, agents: Shape) -> Tensor | float:
    """Traces of the following step, 0 at the last; a scalar serves every step."""
    if is_scalar(traces):
        return fraction(name, traces)
    given = floats(name, traces, agents)
    return torch.cat([given[1:], torch.zeros_like(given[:1])])
