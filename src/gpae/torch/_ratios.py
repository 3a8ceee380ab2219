"""Importance ratios of tensors, in the form in which trace schemes take them."""

import math
from typing import Any

import torch
from gpae.estimators import LogRatios
from gpae.estimators._ratios import LARGEST_LOG_RATIO
from gpae.torch._agents import sum_of_others
from torch import Tensor


class ArrayTensor(Tensor):
    """A tensor with the interface that :func:`gpae.estimators.register_trace_scheme` promises."""

    def __array_namespace__(self) -> "_Namespace":
        """PyTorch's functions under the names of the Python array API."""
        return _Namespace(self)


class _Namespace:
    """PyTorch's functions, which take Python numbers in the place of tensors like one given."""

    def __init__(self, like: Tensor) -> None:
        self._like = like

    def __getattr__(self, name: str) -> Any:
        function = getattr(torch, name)

        def on_tensors(*arguments: Any, **options: Any) -> Any:
            return function(*map(self._tensor, arguments), **options)

        return on_tensors

    def _tensor(self, value: Any) -> Any:
        return self._like.new_tensor(value) if isinstance(value, int | float) else value


def per_agent(log_ratios: Tensor) -> LogRatios:
    """Ratios of N agents, each as it sees them; the joint one has an agent axis of size 1."""
    joint = log_ratios.sum(-1, keepdim=True)
    ratios = (log_ratios, sum_of_others(log_ratios), joint)
    return LogRatios(*(each.as_subclass(ArrayTensor) for each in ratios))


def bounded_exp(log_ratios: Tensor, limit: float) -> Tensor:
    """Ratios ``exp(log_ratios)``, no larger than ``limit`` nor e^20."""
    log_limit = min(math.log(limit), LARGEST_LOG_RATIO)
    return log_ratios.as_subclass(Tensor).clamp(max=log_limit).exp()
