"""Work on every pair of a state and a repetition, a part at a time."""

from collections.abc import Callable, Iterator

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

Progress = Callable[[int, int], None]
"""Report of work: the number of calls done, and of all."""


def pairs_by_call(
    states: int, repetitions: int, size: int, progress: Progress | None
) -> Iterator[tuple[Int[Array, " P"], Int[Array, " P"]]]:
    """State numbers and repetitions of each call, as many in the last as in the others.

    The last call is filled up with the first pairs again, which :func:`pairs_in_order` leaves out.

    Args:
        states: Number of states.
        repetitions: Repetitions of each.
        size: Pairs a call.
        progress: Called after each call.
    """
    pairs = states * repetitions
    size = min(pairs, size)
    calls = -(-pairs // size)
    for call in range(calls):
        chosen = jnp.arange(call * size, (call + 1) * size) % pairs
        yield chosen // repetitions, chosen % repetitions
        if progress is not None:
            progress(call + 1, calls)


def pairs_in_order(leaves: tuple[np.ndarray, ...], shape: tuple[int, int]) -> np.ndarray:
    """The calls' results [P, ...] one after the other, [S, R, ...].

    Args:
        leaves: One call's results each.
        shape: Numbers of states S and repetitions R.
    """
    joined = np.concatenate(leaves)[: shape[0] * shape[1]]
    return joined.reshape(*shape, *joined.shape[1:])
