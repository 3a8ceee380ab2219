"""Random keys by name, so that no draw depends on call order or on the number of devices."""

from enum import IntEnum
from zlib import crc32

import jax
from flax import struct
from jaxtyping import Array, Int, PRNGKeyArray, UInt32


class Purpose(IntEnum):
    """Purposes of keys; the numbers are part of a run's identity and never change."""

    PARAMETERS = 0
    RESET = 1
    ACTION = 2
    STEP = 3
    SUCCESSOR_ACTION = 4
    SHUFFLE = 5
    EVALUATION_RESET = 6
    EVALUATION_ACTION = 7
    EVALUATION_STEP = 8
    OWN_ACTIONS = 9
    REPLAY = 10


@struct.dataclass
class Clock:
    """A run and its progress, from which every draw follows.

    The seed is data, not a constant of the compiled program, so runs that differ in nothing else
    share one compilation.

    Attributes:
        seed: The run's seed.
        update: The number of updates made; every other counter follows from it.
    """

    seed: UInt32[Array, ""]
    update: Int[Array, ""]


Seed = UInt32[Array, ""] | int


def derive(seed: Seed, purpose: Purpose, counter: Int[Array, ""] | int) -> PRNGKeyArray:
    """The key of a purpose at a counter's value.

    Args:
        seed: The run's seed.
        purpose: The purpose.
        counter: The number of earlier draws for it: updates, steps or evaluations.
    """
    return jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), purpose), counter)


def derive_of_network(seed: Seed, network: str) -> PRNGKeyArray:
    """The key of a network's first parameters, by the network's name."""
    return derive(seed, Purpose.PARAMETERS, crc32(network.encode()))


def derive_each(
    seed: Seed, purpose: Purpose, counter: Int[Array, ""] | int, environments: Int[Array, " E"]
) -> PRNGKeyArray:
    """One key for each environment, by its number in the whole run."""
    key = derive(seed, purpose, counter)
    return jax.vmap(lambda environment: jax.random.fold_in(key, environment))(environments)
