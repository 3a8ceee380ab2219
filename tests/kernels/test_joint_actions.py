"""A dense layer over each agent's row of actions, made slot by slot, that never sees the own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.kernels.joint_actions import joint_action_rows, sums_of_others
from gpae.networks.layers import JointActionLayer

BATCH, ACTIONS, SIZE = (3, 2), 4, 6


def layer_on_random_rows(num_agents, batch=BATCH):
    random = np.random.default_rng(num_agents)
    taken, own = random.normal(size=(2, *batch, num_agents, ACTIONS)).astype(np.float32)
    layer = JointActionLayer(SIZE)
    params = layer.init(jax.random.key(0), taken, own)
    return layer, params, jnp.asarray(taken), jnp.asarray(own)


@pytest.mark.slow
@pytest.mark.parametrize("num_agents", [1, 2, 5])
@pytest.mark.parametrize("batch", [(), BATCH])
def test_values_and_gradients_are_those_of_a_dense_layer(num_agents, batch):
    layer, params, taken, own = layer_on_random_rows(num_agents, batch)
    weights = np.random.default_rng(0).normal(size=(*batch, num_agents, SIZE))

    def ours(params, taken, own):
        return (weights * layer.apply(params, taken, own)).sum()

    def dense(params, taken, own):
        kernel = params["params"]["kernel"]
        return (weights * (joint_action_rows(taken, own) @ kernel)).sum()

    arguments = (params, taken, own)
    np.testing.assert_allclose(ours(*arguments), dense(*arguments), rtol=1e-5)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        jax.grad(ours, argnums=(0, 1, 2))(*arguments),
        jax.grad(dense, argnums=(0, 1, 2))(*arguments),
    )


def test_the_action_taken_does_not_change_its_own_row_by_a_bit():
    layer, params, taken, own = layer_on_random_rows(5)
    before = layer.apply(params, taken, own)
    after = layer.apply(params, taken.at[..., 2, :].multiply(1.7), own)
    np.testing.assert_array_equal(before[..., 2, :], after[..., 2, :])
    others = np.delete(np.abs(before - after), 2, axis=-2)
    assert others.min() > 0


def test_each_part_is_left_out_of_its_own_sum():
    parts = [jnp.array(10.0**place) for place in range(4)]
    assert [float(each) for each in sums_of_others(parts)] == [1110, 1101, 1011, 111]
    assert [float(each) for each in sums_of_others(parts[:1])] == [0]
