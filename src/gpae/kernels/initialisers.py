"""Orthogonal initialisation."""

from typing import Any

import flax.linen as nn
import jax
import numpy as np
from jax.nn.initializers import Initializer

from gpae.kernels.kernel import kernel


def orthogonal(scale: float = 1.0) -> Initializer:
    """``flax.linen.initializers.orthogonal`` by :func:`orthogonal_matrix`.

    Args:
        scale: The factor of the orthogonal matrix.
    """

    def initialise(key: Any, shape: Any, dtype: Any = None, out_sharding: Any = None) -> jax.Array:
        return orthogonal_matrix(key, shape, scale, dtype, out_sharding)

    return initialise


@kernel
def orthogonal_matrix(
    key: Any, shape: Any, scale: float = 1.0, dtype: Any = None, out_sharding: Any = None
) -> jax.Array:
    """A random orthogonal matrix times a scale."""
    return nn.initializers.orthogonal(scale)(key, shape, dtype, out_sharding)


@orthogonal_matrix.fast("cpu")
def _one_at_a_time(
    key: Any, shape: Any, scale: float = 1.0, dtype: Any = None, out_sharding: Any = None
) -> jax.Array:
    """One matrix after the other also under ``vmap``.

    jaxlib factorises a batch of matrices on the threads of the pool that runs the program itself,
    and waits for them there: two such batches at once can wait for each other for ever. No upstream
    issue is known (https://github.com/jax-ml/jax/issues/39292 is another fault of the same calls);
    seen with jaxlib 0.10.2. It goes when the oldest jaxlib supported does not wait there.
    """
    initialise = nn.initializers.orthogonal(scale)
    of_key = jax.custom_batching.sequential_vmap(
        lambda each: initialise(each, shape, dtype, out_sharding)
    )
    return of_key(key)


HIDDEN_INITIALISER = orthogonal(np.sqrt(2))
"""For layers that a ReLU follows."""
