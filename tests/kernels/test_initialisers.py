"""Orthogonal first parameters, and that a batch of matrices is never factorised as one."""

import re

import flax.linen as nn
import jax
import numpy as np
import pytest

from gpae.kernels.initialisers import orthogonal

SHAPE = (12, 8)


@pytest.mark.parametrize("shape", [(12, 8), (8, 12), (8, 8)])
def test_it_is_flaxs_own(shape):
    ours = orthogonal(2.0)(jax.random.key(3), shape)
    np.testing.assert_array_equal(ours, nn.initializers.orthogonal(2.0)(jax.random.key(3), shape))
    gram = ours.T @ ours if shape[0] >= shape[1] else ours @ ours.T
    np.testing.assert_allclose(gram, 4.0 * np.eye(len(gram)), atol=1e-5)


def test_a_batch_of_keys_gives_each_keys_matrix():
    keys = jax.random.split(jax.random.key(0), 6).reshape(2, 3)

    def draw(key):
        return orthogonal()(key, SHAPE)

    batch = jax.jit(jax.vmap(jax.vmap(draw)))(keys)
    for i, j in np.ndindex(2, 3):
        np.testing.assert_allclose(batch[i, j], draw(keys[i, j]), atol=1e-6)


def factorised(initialise) -> list[str]:
    """The types of what a batched initialiser's program hands to LAPACK to factorise."""
    keys = jax.random.split(jax.random.key(0), 3)
    program = jax.jit(jax.vmap(lambda key: initialise(key, SHAPE))).lower(keys).as_text()
    return re.findall(r"geqrf\w*\(.*?:\s*\(tensor<([\dx]+)xf32>", program)


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="LAPACK is called on CPUs alone")
def test_matrices_are_factorised_one_at_a_time():
    assert factorised(nn.initializers.orthogonal()) == ["3x12x8"], "flax's is one batch"
    assert factorised(orthogonal()) == ["12x8"]
