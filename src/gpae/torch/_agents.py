"""Selection and combination of entries along the last axis."""

import torch
from torch import Tensor


def select(entries: Tensor, index: Tensor) -> Tensor:
    """Entries ``entries[..., index]``, NaN where the index is outside ``[0, K)``."""
    count = entries.shape[-1]
    outside = (index < 0) | (index >= count)
    position = index.long().clamp(0, count - 1)[..., None]
    return entries.gather(-1, position)[..., 0].masked_fill(outside, torch.nan)


def sum_of_others(entries: Tensor) -> Tensor:
    """Sum over all other agents, for each agent; nothing is subtracted."""
    own = torch.eye(entries.shape[-1], dtype=torch.bool, device=entries.device)
    return entries[..., None, :].masked_fill(own, 0.0).sum(-1)


def with_agent_axis(tensor: Tensor, rank: int) -> Tensor:
    """Tensor with an agent axis, of size one for a team's tensor [T, *B]."""
    return tensor if tensor.ndim == rank else tensor[..., None]
