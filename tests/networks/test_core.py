"""The fast forms of the networks' inner parts against the plain ones."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.bench.flops import count_products, gradient_work, trace
from gpae.networks import NetworkSettings, initial_memory
from gpae.networks.core import Core, Gru, Head, Hidden
from gpae.networks.dense import dense, product

STEPS, ENVIRONMENTS, AGENTS, FEATURES, OUTPUTS = 7, 3, 2, 5, 4
SETTINGS = {
    "plain": NetworkSettings(hidden_size=8, head_hidden=True),
    "no hidden head": NetworkSettings(hidden_size=8, head_hidden=False),
    "layer norm": NetworkSettings(hidden_size=8, head_hidden=True, layer_norm=True),
    "feed-forward": NetworkSettings(hidden_size=8, head_hidden=True, kind="feedforward"),
}


class PlainCore(nn.Module):
    """What :class:`Core` computes: flax's cell step by step, nothing named, nothing recomputed."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, memory, inputs, resets):
        size = self.settings.hidden_size
        if self.settings.kind == "feedforward":
            return Head(self.settings, OUTPUTS, 1.0)(Hidden(self.settings, size)(inputs))
        cell, memories = nn.GRUCell(size), []
        for features, reset in zip(inputs, resets, strict=True):
            memory, _ = cell(jnp.where(reset[..., None], 0.0, memory), features)
            memories.append(memory)
        return jnp.stack(memories), Head(self.settings, OUTPUTS, 1.0)(jnp.stack(memories))


def plain_parameters(parameters):
    """A core's parameters as :class:`PlainCore` names them."""
    (step,) = parameters["params"].values() if "Head_0" not in parameters["params"] else [None]
    if step is None:
        return parameters
    return {"params": {"GRUCell_0": step["Gru_0"], "Head_0": step["Head_0"]}}


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    return (
        jnp.asarray(random.normal(size=(*shape, FEATURES)), jnp.float32),
        jnp.asarray(random.random(shape) < 0.3),
        jnp.asarray(random.normal(size=(*shape, OUTPUTS)), jnp.float32),
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_outputs_and_gradients_are_those_of_the_plain_form(name, data):
    settings, (inputs, resets, weights) = SETTINGS[name], data
    core, plain = Core(settings, OUTPUTS, 1.0), PlainCore(settings)
    memory = initial_memory(settings, ENVIRONMENTS, AGENTS) + 0.5
    parameters = core.init(jax.random.key(0), memory, inputs, resets)

    def loss(parameters, memory, inputs):
        memories, outputs = core.apply(parameters, memory, inputs, resets)
        return (outputs * weights).sum() + memories.sum(), outputs

    def plain_loss(parameters, memory, inputs):
        found = plain.apply(plain_parameters(parameters), memory, inputs, resets)
        memories, outputs = (jnp.zeros(0), found) if settings.kind == "feedforward" else found
        return (outputs * weights).sum() + memories.sum(), outputs

    def run(function):
        return jax.jit(jax.grad(function, argnums=(0, 1, 2), has_aux=True))(
            parameters, memory, inputs
        )

    found, expected = run(loss), run(plain_loss)
    assert len(jax.tree.leaves(found)) > 6
    jax.tree.map(
        lambda ours, plain: np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-5),
        found,
        expected,
    )


def test_one_step_is_flaxs_gru_with_its_parameters():
    memory, inputs = jax.random.normal(jax.random.key(0), (2, 6, 8))
    flax = nn.GRUCell(8)
    parameters = flax.init(jax.random.key(1), memory, inputs)
    shapes = jax.tree.map(jnp.shape, Gru(8).init(jax.random.key(1), memory, inputs))
    assert shapes == jax.tree.map(jnp.shape, parameters)
    np.testing.assert_allclose(
        Gru(8).apply(parameters, memory, inputs),
        flax.apply(parameters, memory, inputs)[0],
        atol=1e-6,
    )


@pytest.mark.parametrize("shape", [(6, FEATURES), (3, 2, FEATURES), (2, 1, 3, FEATURES)])
def test_a_dense_layer_is_flaxs(shape):
    inputs = jax.random.normal(jax.random.key(0), shape)
    ours, flax = dense(4, use_bias=True), nn.Dense(4)
    parameters = flax.init(jax.random.key(1), inputs)

    def run(layer):
        return jax.value_and_grad(
            lambda parameters, inputs: (layer.apply(parameters, inputs) ** 2).sum(), argnums=(0, 1)
        )(parameters, inputs)

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5), run(ours), run(flax)
    )


def test_products_over_a_further_axis():
    rows = jax.random.normal(jax.random.key(0), (3, 6, 5))
    kernels = jax.random.normal(jax.random.key(1), (3, 5, 4))

    def gradients(multiply):
        one = jax.grad(lambda rows, kernel: (multiply(rows, kernel) ** 3).sum(), argnums=(0, 1))
        return jax.jit(jax.vmap(one))(rows, kernels)

    for ours, plain in zip(gradients(product), gradients(jnp.matmul), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-4)


def test_the_gradient_makes_no_product_twice(data):
    inputs, resets, weights = data
    core = Core(SETTINGS["plain"], OUTPUTS, 1.0)
    memory = initial_memory(SETTINGS["plain"], ENVIRONMENTS, AGENTS)
    parameters = core.init(jax.random.key(0), memory, inputs, resets)

    def loss(both):
        return (core.apply(both[0], memory, both[1], resets)[1] * weights).sum()

    rows = STEPS * ENVIRONMENTS * AGENTS
    forward = 2 * rows * (3 * FEATURES * 8 + 3 * 8 * 8 + 8 * 8 + 8 * OUTPUTS)
    both = (parameters, inputs)
    needed = gradient_work(trace(loss, both)[0], both)
    made = count_products(trace(jax.grad(loss), both)[0])
    assert needed.forward == forward
    assert made == 3 * forward
