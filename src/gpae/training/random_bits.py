"""How JAX's random bits are compiled for a CPU."""

import math
from functools import cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
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
    if loop:
        return jax.lax.fori_loop(1, 6, _four_rounds, state)[0]
    for number in range(1, 6):
        state = _four_rounds(number, state)
    return state[0]


def _four_rounds(number: Any, state: Any) -> Any:
    (left, right), keys, rotations = state
    for rotation in rotations[0]:
        left = left + right
        right = left ^ (right << rotation | right >> (np.uint32(32) - rotation))
    words = left + keys[0], right + keys[1] + jnp.uint32(number)
    return words, _rotated(keys), _rotated(rotations)


def _rotated(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return *items[1:], items[0]


@cache
def compile_random_bits_for_cpu() -> None:
    """Let JAX's random bits be compiled sooner for a CPU, in this process; they stay the same.

    For a CPU alone, JAX makes a loop of :func:`threefry`. Where many keys are drawn from at once,
    as by vectorised environments, XLA takes several times as long to compile it as all rounds in a
    row, and a step of SMAX and its policy draw at twenty places. With one key the loop is better:
    what is in a row would be compiled again into all that use it.
    """
    lower = {
        loop: mlir.lower_fun(partial(threefry, loop=loop), multiple_results=True)
        for loop in (True, False)
    }

    def rule(context: Any, *operands: Any) -> Any:
        one_key = math.prod(context.avals_in[0].shape) == 1
        return lower[one_key](context, *operands)

    mlir.register_lowering(threefry2x32_p, rule, platform="cpu")
