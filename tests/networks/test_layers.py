"""Layers against Flax's."""

import flax.linen as nn
import jax
import numpy as np
import pytest

from gpae.networks.layers import Dense


@pytest.mark.parametrize("shape", [(6, 5), (3, 2, 5), (2, 1, 3, 5)])
def test_a_dense_layer_is_flaxs(shape):
    inputs = jax.random.normal(jax.random.key(0), shape)
    ours, flax = Dense(4), nn.Dense(4)
    params = flax.init(jax.random.key(1), inputs)

    def run(layer):
        return jax.value_and_grad(
            lambda params, inputs: (layer.apply(params, inputs) ** 2).sum(), argnums=(0, 1)
        )(params, inputs)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), run(ours), run(flax)
    )
