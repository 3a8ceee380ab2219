"""Floating-point operations of matrix products, counted in what JAX traced and not by a compiler.

Counted is the work an algorithm asks for, so that rates of different programs compare: a product of
``[m, k]`` and ``[k, n]`` is ``2 m k n`` operations, loops multiply, and everything that is not a
matrix product counts nothing.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend import core


@dataclass(frozen=True)
class Work:
    """Operations of matrix products.

    Attributes:
        forward: Of the function itself.
        backward: Of its gradient: one product as large as the forward one for each operand that
            depends on what is differentiated, so 2x a hidden layer and 1x a first layer.
        recomputed: Of what a program makes beyond these, such as forward products made a second
            time to save memory, or sums made as products with ones; no result needs them, so they
            are not :attr:`useful`.
    """

    forward: int = 0
    backward: int = 0
    recomputed: int = 0

    @property
    def useful(self) -> int:
        """Operations that the result needs."""
        return self.forward + self.backward

    def __add__(self, other: "Work") -> "Work":
        """Both."""
        return Work(
            self.forward + other.forward,
            self.backward + other.backward,
            self.recomputed + other.recomputed,
        )

    def __mul__(self, times: int) -> "Work":
        """As often as that."""
        return Work(self.forward * times, self.backward * times, self.recomputed * times)


def count_products(traced: core.ClosedJaxpr) -> int:
    """The operations of a function's matrix products.

    Args:
        traced: The function, as :func:`trace` gives it.

    Raises:
        ValueError: A product is made in a loop whose number of turns is not known beforehand.
    """
    return _count(traced.jaxpr, [False] * len(traced.jaxpr.invars))[0].forward


def gradient_work(traced: core.ClosedJaxpr, differentiated: Any) -> Work:
    """The operations that a function and its gradient need.

    Every product of something differentiated is taken to matter to the gradient: one whose result
    alone is cut off by ``stop_gradient`` would be counted too high.

    Args:
        traced: The function, not its gradient, as :func:`trace` gives it.
        differentiated: Its first argument, by which it is differentiated; only its structure is
            looked at.

    Raises:
        ValueError: A product is made in a loop whose number of turns is not known beforehand.
    """
    leaves = len(jax.tree.leaves(differentiated))
    return _count(traced.jaxpr, [at < leaves for at in range(len(traced.jaxpr.invars))])[0]


Active = list[bool]
"""Variables that depend on the differentiated ones."""


def _count(jaxpr: core.Jaxpr, active: Active) -> tuple[Work, Active]:
    """The work of a jaxpr, and which of its outputs are active."""
    known = dict(zip(jaxpr.invars, active, strict=True))

    def look_up(atom: Any) -> bool:
        return not isinstance(atom, core.Literal) and known.get(atom, False)

    total = Work()
    for equation in jaxpr.eqns:
        work, outputs = _count_equation(equation, [look_up(atom) for atom in equation.invars])
        total += work
        known.update(zip(equation.outvars, outputs, strict=True))
    return total, [look_up(atom) for atom in jaxpr.outvars]


def _count_equation(equation: core.JaxprEqn, active: Active) -> tuple[Work, Active]:
    name = equation.primitive.name
    if name == "dot_general":
        return _product(equation, active), [any(active)]
    if name == "stop_gradient":
        return Work(), [False] * len(equation.outvars)
    if name == "scan":
        return _scan(equation, active)
    if name == "while":
        return _endless(equation, active)
    inner = _inner(equation.params)
    if not inner:
        return Work(), _all_alike(equation, active)
    counted = [_count(jaxpr, active[len(active) - len(jaxpr.invars) :]) for jaxpr in inner]
    dearest = max((work for work, _ in counted), key=lambda work: work.useful)
    branches = zip(*(outputs for _, outputs in counted), strict=True)
    return dearest, [any(outputs) for outputs in branches]


def _product(equation: core.JaxprEqn, active: Active) -> Work:
    (contracted, _), _ = equation.params["dimension_numbers"]
    left: Any = equation.invars[0].aval
    result: Any = equation.outvars[0].aval
    operations = 2 * result.size * math.prod(left.shape[axis] for axis in contracted)
    return Work(forward=operations, backward=sum(active) * operations)


def _scan(equation: core.JaxprEqn, active: Active) -> tuple[Work, Active]:
    """A loop of known length; what is active in the carry once is so from the first turn on."""
    body = equation.params["jaxpr"].jaxpr
    first, size = equation.params["num_consts"], equation.params["num_carry"]
    while True:
        work, outputs = _count(body, active)
        carry = [a or b for a, b in zip(active[first:], outputs[:size], strict=False)]
        if carry == active[first : first + size]:
            return work * equation.params["length"], carry + outputs[size:]
        active = active[:first] + carry + active[first + size :]


def _endless(equation: core.JaxprEqn, active: Active) -> tuple[Work, Active]:
    """A loop of unknown length, which must not hold any products."""
    for jaxpr in _inner(equation.params):
        if _count(jaxpr, [False] * len(jaxpr.invars))[0].forward:
            raise ValueError("matrix products in a loop of unknown length cannot be counted")
    return Work(), _all_alike(equation, active)


def _all_alike(equation: core.JaxprEqn, active: Active) -> Active:
    """Every output depends on every input, but nothing is differentiated through whole numbers."""
    outputs: list[Any] = [variable.aval for variable in equation.outvars]
    return [any(active) and jnp.issubdtype(each.dtype, jnp.inexact) for each in outputs]


def _inner(params: dict[str, Any]) -> list[core.Jaxpr]:
    """The jaxprs an equation holds: one for a call, several for the branches of a condition."""
    found: list[core.Jaxpr] = []
    for value in params.values():
        for each in value if isinstance(value, Sequence) else (value,):
            if isinstance(each, core.ClosedJaxpr):
                found.append(each.jaxpr)
            elif isinstance(each, core.Jaxpr):
                found.append(each)
    return found


def trace(
    function: Callable[..., Any], *arguments: Any, axis: str | None = None
) -> tuple[core.ClosedJaxpr, Any]:
    """Trace a function for shapes, inside a mapped axis of size 1 where one is named.

    Args:
        function: The function.
        *arguments: Trees of arrays or of ``jax.ShapeDtypeStruct``.
        axis: The name of the mapped axis.

    Returns:
        The traced function, and the shapes and types of its result.
    """
    axes = None if axis is None else [(axis, 1)]
    traced: tuple[core.ClosedJaxpr, Any] = jax.make_jaxpr(
        function, axis_env=axes, return_shape=True
    )(*arguments)
    return traced
