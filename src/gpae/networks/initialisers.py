"""First parameters."""

from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jax.nn.initializers import Initializer


def orthogonal(scale: float = 1.0) -> Initializer:
    """Flax's orthogonal initialiser, one matrix at a time also under ``vmap``.

    jaxlib (0.10.2) factorises a batch of matrices on the threads of the pool that runs the program
    itself, and waits for them there: two such batches at once can wait for each other for ever.

    Args:
        scale: The factor of the orthogonal matrix.
    """
    initialise = nn.initializers.orthogonal(scale)

    def one_at_a_time(
        key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None
    ) -> jax.Array:
        of_key = jax.custom_batching.sequential_vmap(
            lambda each: initialise(each, shape, dtype, out_sharding)
        )
        return of_key(key)

    return one_at_a_time


HIDDEN_INITIALISER = orthogonal(np.sqrt(2))
"""For layers that a ReLU follows."""
