"""Checks of arguments, in plain Python, so that they cost nothing under jit.

Only static properties are checked: types, shapes, and scalars whose value is known. Every error
names the argument, the expected and the found.
"""

from collections.abc import Callable
from dataclasses import dataclass
from numbers import Real
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

Scalar: TypeAlias = float | Array


@dataclass(frozen=True)
class Shape:
    """An expected shape: the names of its axes, and their sizes where another argument fixes them.

    Attributes:
        axes: Names separated by spaces; a starred name stands for any number of axes.
        sizes: The exact shape, or None where only the number of axes is known.
        source: The argument that fixes the sizes.
    """

    axes: str
    sizes: tuple[int, ...] | None = None
    source: str = ""

    def admits(self, found: tuple[int, ...]) -> bool:
        """True for a shape ``found`` that is one of these."""
        if self.sizes is not None:
            return found == self.sizes
        return len(found) >= sum(not axis.startswith("*") for axis in self.axes.split())

    def __str__(self) -> str:
        names = f"[{', '.join(self.axes.split())}]"
        return names if self.sizes is None else f"{names} = {self.sizes} as of {self.source}"


def floats(name: str, value: Any, *shapes: Shape) -> Array:
    """Argument ``value`` as an array of floating-point numbers of one of ``shapes``."""
    return _array(name, value, jnp.floating, "floating-point numbers", shapes)


def booleans(name: str, value: Any, *shapes: Shape) -> Array:
    """Argument ``value`` as an array of booleans of one of ``shapes``."""
    return _array(name, value, jnp.bool_, "booleans", shapes)


def integers(name: str, value: Any, *shapes: Shape) -> Array:
    """Argument ``value`` as an array of integers of one of ``shapes``."""
    return _array(name, value, jnp.integer, "integers", shapes)


def fraction(name: str, value: Any) -> Scalar:
    """Scalar ``value``, checked to lie in [0, 1] where it is known."""
    return _scalar(name, value, "a number in [0, 1]", lambda number: 0.0 <= number <= 1.0)


def positive(name: str, value: Any) -> Scalar:
    """Scalar ``value``, checked to be positive, or infinite, where it is known."""
    return _scalar(name, value, "a number in (0, inf]", lambda number: number > 0.0)


def is_scalar(value: Any) -> bool:
    """True for a ``value`` to be checked as a scalar, not as an array."""
    return not isinstance(value, list | tuple) and np.ndim(value) == 0


def _array(name: str, value: Any, kind: Any, noun: str, shapes: tuple[Shape, ...]) -> Array:
    try:
        array = jnp.asarray(value)
    except (TypeError, ValueError) as error:
        found = type(value).__name__
        raise TypeError(f"{name} must be an array of {noun}; found {found}: {error}") from error
    if not jnp.issubdtype(array.dtype, kind):
        raise TypeError(f"{name} must be an array of {noun}; found dtype {array.dtype}")
    if not any(shape.admits(array.shape) for shape in shapes):
        expected = " or ".join(map(str, shapes))
        raise ValueError(f"{name} must have shape {expected}; found {array.shape}")
    return array


def _scalar(name: str, value: Any, noun: str, admits: Callable[[float], bool]) -> Scalar:
    shape = getattr(value, "shape", ())
    if shape != ():
        raise ValueError(f"{name} must be {noun}; found an array of shape {shape}")
    if isinstance(value, bool) or not (isinstance(value, Real) or _holds_real(value)):
        raise TypeError(f"{name} must be {noun}; found {value!r} of type {type(value).__name__}")
    if isinstance(value, jax.core.Tracer):
        return value
    number = float(value)
    if not admits(number):
        raise ValueError(f"{name} must be {noun}; found {number}")
    return number


def _holds_real(value: Any) -> bool:
    dtype = getattr(value, "dtype", jnp.dtype(bool))
    return jnp.issubdtype(dtype, jnp.floating) or jnp.issubdtype(dtype, jnp.integer)
