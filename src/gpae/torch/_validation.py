"""Checks of tensors, with the words of :mod:`gpae.estimators`."""

from collections.abc import Callable
from typing import Any

import torch
from gpae.estimators import _validation as of_arrays
from gpae.estimators._validation import Shape
from torch import Tensor

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)


def floats(name: str, value: Any, *shapes: Shape) -> Tensor:
    """Argument ``value`` as a tensor of floating-point numbers of one of ``shapes``."""
    return _tensor(name, value, _is_floating, "floating-point numbers", shapes)


def booleans(name: str, value: Any, *shapes: Shape) -> Tensor:
    """Argument ``value`` as a tensor of booleans of one of ``shapes``."""
    return _tensor(name, value, lambda dtype: dtype == torch.bool, "booleans", shapes)


def integers(name: str, value: Any, *shapes: Shape) -> Tensor:
    """Argument ``value`` as a tensor of integers of one of ``shapes``."""
    return _tensor(name, value, lambda dtype: dtype in _INTEGERS, "integers", shapes)


def fraction(name: str, value: Any) -> float:
    """Scalar ``value``, checked to lie in [0, 1]."""
    return float(of_arrays.fraction(name, _on_host(value)))


def positive(name: str, value: Any) -> float:
    """Scalar ``value``, checked to be positive, or infinite."""
    return float(of_arrays.positive(name, _on_host(value)))


def _is_floating(dtype: torch.dtype) -> bool:
    return bool(dtype.is_floating_point)


def _tensor(
    name: str,
    value: Any,
    admits: Callable[[torch.dtype], bool],
    noun: str,
    shapes: tuple[Shape, ...],
) -> Tensor:
    try:
        tensor = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        found = type(value).__name__
        raise TypeError(f"{name} must be an array of {noun}; found {found}: {error}") from error
    if not admits(tensor.dtype):
        found = str(tensor.dtype).removeprefix("torch.")
        raise TypeError(f"{name} must be an array of {noun}; found dtype {found}")
    size = tuple(tensor.shape)
    if not any(shape.admits(size) for shape in shapes):
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must have shape {expected}; found {size}")
    return tensor


def _on_host(value: Any) -> Any:
    """A tensor's numbers in NumPy; anything else as it is."""
    return value.detach().cpu().numpy() if isinstance(value, Tensor) else value
