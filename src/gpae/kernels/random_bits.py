"""The lowering of JAX's random bits for a CPU."""

import math
from collections.abc import Callable
from functools import cache, partial, partialmethod
from typing import Any

import jax
import numpy as np
from jax.extend.mlir.dialects import stablehlo
from jax.extend.random import threefry2x32_p
from jax.interpreters import mlir
from jaxtyping import Array, UInt32

_ROTATIONS = np.array([[13, 15, 26, 6], [17, 29, 16, 24]], np.uint32)
_PARITY = np.uint32(0x1BD11BDA)


def threefry(
    key_0: UInt32[Array, "*#S"],
    key_1: UInt32[Array, "*#S"],
    counter_0: UInt32[Array, "*#S"],
    counter_1: UInt32[Array, "*#S"],
    *,
    loop: bool = False,
) -> tuple[UInt32[Array, "*S"], UInt32[Array, "*S"]]:
    """Threefry-2x32 of 20 rounds: the two words of a counter, scrambled under the two of a key.

    Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011, section 4.2.

    The four are broadcast against each other.

    Args:
        key_0: The first words of the keys.
        key_1: The second.
        counter_0: The first words of the counters.
        counter_1: The second.
        loop: Whether the program has a loop of five times four rounds, or all 20 in a row.
    """
    keys = key_0, key_1, key_0 ^ key_1 ^ _PARITY
    state = (counter_0 + keys[0], counter_1 + keys[1]), _rotated(keys), tuple(_ROTATIONS)
    first, *others, end = np.arange(1, 7, dtype=np.uint32)
    if loop:
        return jax.lax.fori_loop(first, end, _four_rounds, state)[0]
    for number in (first, *others):
        state = _four_rounds(number, state)
    return state[0]


def _four_rounds(number: Any, state: Any) -> Any:
    (left, right), keys, rotations = state
    for rotation in rotations[0]:
        left = left + right
        right = left ^ (right << rotation | right >> (np.uint32(32) - rotation))
    words = left + keys[0], right + keys[1] + number
    return words, _rotated(keys), _rotated(rotations)


def _rotated(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return *items[1:], items[0]


@cache
def compile_random_bits_for_cpu() -> None:
    """Register a lowering of JAX's random bits in this process, which XLA compiles sooner.

    The bits stay the same, those of the reference :func:`threefry`. For a CPU alone, JAX makes a
    loop of it. Where many keys are drawn from at once, as by vectorised environments, XLA takes
    several times as long to compile the loop as all rounds in a row, and a step of SMAX and its
    policy draw at twenty places. With one key the loop is better: what is in a row would be
    compiled again into all that use it; so it is for sizes that an exported program leaves open.

    https://github.com/jax-ml/jax/pull/37872 unrolls the loop in JAX itself, but JAX 0.10.2 and 0.11
    still have it. This goes when the oldest JAX supported does not.
    """
    loop = mlir.lower_fun(partial(threefry, loop=True), multiple_results=True)

    def rule(context: Any, *operands: Any) -> Any:
        many_keys = math.prod(context.avals_in[0].shape) != 1
        in_a_row = many_keys and all(type(size) is int for size in context.avals_out[0].shape)
        return (_lower_in_a_row if in_a_row else loop)(context, *operands)

    mlir.register_lowering(threefry2x32_p, rule, platform="cpu")


class _Words:
    """Words of a program that is being written, with the operators of :func:`threefry`.

    Written so, an operation takes a fraction of the time that JAX takes to trace and lower it.
    """

    def __init__(self, value: Any) -> None:
        self.value = value

    def _apply(self, operation: Callable[..., Any], other: Any) -> "_Words":
        if not isinstance(other, _Words):
            other = _Words(mlir.ir_constant(np.broadcast_to(other, self.value.type.shape)))
        return _Words(operation(self.value, other.value))

    __add__ = partialmethod(_apply, stablehlo.add)
    __xor__ = partialmethod(_apply, stablehlo.xor)
    __or__ = partialmethod(_apply, stablehlo.or_)
    __lshift__ = partialmethod(_apply, stablehlo.shift_left)
    __rshift__ = partialmethod(_apply, stablehlo.shift_right_logical)


def _lower_in_a_row(context: Any, *operands: Any) -> list[Any]:
    """All 20 rounds as operations of the program."""
    shape = context.avals_out[0].shape
    words: Any = [_Words(_broadcast(operand, shape)) for operand in operands]
    scrambled: Any = threefry(*words)
    return [word.value for word in scrambled]


def _broadcast(value: Any, shape: tuple[int, ...]) -> Any:
    axes = range(len(shape) - value.type.rank, len(shape))
    result = mlir.ir.RankedTensorType.get(shape, value.type.element_type)
    return stablehlo.broadcast_in_dim(result, value, mlir.dense_int_array(axes))
