"""Advantages are normalised over everything: all agents together, all devices together."""

import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from gpae.training.reduce import DEVICES, global_mean, global_sum, normalise

SPLIT = PartitionSpec(None, DEVICES)


@pytest.fixture
def advantages():
    random = np.random.default_rng(0)
    offsets = np.array([0.0, 5.0, -3.0])
    return jnp.asarray(2.0 + offsets + 4.0 * random.normal(size=(10, 6, 3)), jnp.float32)


@pytest.fixture
def weights():
    exists = np.ones((10, 6), np.float32)
    exists[:4] = 0.0
    return jnp.asarray(exists)


@pytest.mark.parametrize("devices", [1, 2])
def test_mean_zero_and_deviation_one_over_the_whole_batch(over_devices, advantages, devices):
    run = over_devices(normalise, devices, (SPLIT, SPLIT), SPLIT)
    normal = np.asarray(run(advantages, jnp.ones((10, 6))))
    np.testing.assert_allclose(normal.mean(), 0.0, atol=1e-6)
    np.testing.assert_allclose(normal.std(), 1.0, rtol=1e-5)


def test_differences_between_agents_are_kept(over_devices, advantages):
    normal = over_devices(normalise)(advantages, jnp.ones((10, 6)))
    scale = np.asarray(advantages).std()
    difference = normal[..., 1] - normal[..., 0]
    expected = (advantages[..., 1] - advantages[..., 0]) / scale
    np.testing.assert_allclose(difference, expected, rtol=1e-4, atol=1e-5)
    assert np.abs(np.asarray(normal).mean((0, 1))).min() > 0.1


def test_steps_of_no_weight_have_no_say(over_devices, advantages, weights):
    run = over_devices(normalise)
    polluted = advantages.at[:4].add(1e3)
    np.testing.assert_array_equal(run(polluted, weights)[4:], run(advantages, weights)[4:])
    alone = run(advantages[4:], jnp.ones((6, 6)))
    np.testing.assert_allclose(run(advantages, weights)[4:], alone, rtol=1e-5, atol=1e-6)


def test_two_devices_normalise_as_one(over_devices, advantages, weights):
    one = over_devices(normalise)(advantages, weights)
    two = over_devices(normalise, 2, (SPLIT, SPLIT), SPLIT)(advantages, weights)
    np.testing.assert_allclose(two, one, rtol=1e-5, atol=1e-6)


def test_equal_advantages_become_zero(over_devices):
    normal = over_devices(normalise)(jnp.full((4, 2, 3), 7.0), jnp.ones((4, 2)))
    np.testing.assert_array_equal(normal, 0.0)


def test_sums_and_means_are_over_all_devices(over_devices):
    values, weights = jnp.arange(8.0).reshape(2, 4), jnp.array([[0.0, 1, 1, 0], [0, 0, 2, 0]])
    everywhere = PartitionSpec()
    total = over_devices(global_sum, 2, SPLIT, everywhere)(values)
    mean = over_devices(global_mean, 2, (SPLIT, SPLIT), everywhere)
    assert total == 28
    assert mean(values, weights) == (1 + 2 + 2 * 6) / 4
    assert mean(values, jnp.zeros((2, 4))) == 0
