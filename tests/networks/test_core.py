"""The fast forms of the networks' inner parts against the plain ones."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.harness.flops import count_products, gradient_work, trace
from gpae.networks import NetworkSettings, initial_hidden_state
from gpae.networks.core import BLOCK_ROWS, Core, Gru, Head, Hidden, block_length
from gpae.networks.dense import Dense, product, transposed
from gpae.networks.recurrence import kept

STEPS, ENVIRONMENTS, AGENTS, FEATURES, OUTPUTS = 12, 3, 2, 5, 4
SETTINGS = {
    "plain": NetworkSettings(hidden_size=8, head_hidden=True),
    "no hidden head": NetworkSettings(hidden_size=8, head_hidden=False),
    "layer norm": NetworkSettings(hidden_size=8, head_hidden=True, layer_norm=True),
    "feed-forward": NetworkSettings(hidden_size=8, head_hidden=True, kind="feedforward"),
}


class Encoder(nn.Module):
    """A first layer, of the project's own dense layer or of flax's."""

    layer: type

    @nn.compact
    def __call__(self, inputs):
        return jnp.tanh(kept(self.layer(FEATURES, name="layer")(inputs)))


class PlainCore(nn.Module):
    """What :class:`Core` computes: flax's cell step by step, nothing named, nothing recomputed."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, hidden_state, inputs, resets):
        size = self.settings.hidden_size
        inputs = Encoder(nn.Dense, name="encoder")(inputs)
        if self.settings.kind == "feedforward":
            return Head(self.settings, OUTPUTS, 1.0)(Hidden(self.settings, size)(inputs))
        cell, hidden_states = nn.GRUCell(size), []
        for features, reset in zip(inputs, resets, strict=True):
            hidden_state, _ = cell(jnp.where(reset[..., None, None], 0.0, hidden_state), features)
            hidden_states.append(hidden_state)
        return jnp.stack(hidden_states), Head(self.settings, OUTPUTS, 1.0)(jnp.stack(hidden_states))


def core_of(settings):
    return Core(settings, Encoder(Dense), OUTPUTS, 1.0)


def plain_parameters(params):
    """A core's parameters as :class:`PlainCore` names them."""
    parts = dict(params["params"])
    (block,) = [parts.pop(name) for name in list(parts) if "Block" in name] or [{}]
    parts |= {name.replace("Gru_0", "GRUCell_0"): part for name, part in block.items()}
    return {"params": parts}


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    return (
        jnp.asarray(random.normal(size=(*shape, FEATURES)), jnp.float32),
        jnp.asarray(random.random(shape[:-1]) < 0.3),
        jnp.asarray(random.normal(size=(*shape, OUTPUTS)), jnp.float32),
    )


@pytest.mark.slow
@pytest.mark.parametrize("block", [1, 3, 4, STEPS])
@pytest.mark.parametrize("name", SETTINGS)
def test_outputs_and_gradients_are_those_of_the_plain_form(name, block, data, monkeypatch):
    monkeypatch.setattr("gpae.networks.core.BLOCK_ROWS", block * ENVIRONMENTS * AGENTS)
    settings, (inputs, resets, weights) = SETTINGS[name], data
    core, plain = core_of(settings), PlainCore(settings)
    hidden_state = initial_hidden_state(settings, ENVIRONMENTS, AGENTS) + 0.5
    params = core.init(jax.random.key(0), hidden_state, inputs, resets)

    def loss(params, hidden_state, inputs):
        hidden_states, outputs = core.apply(params, hidden_state, inputs, resets)
        return (outputs * weights).sum() + hidden_states.sum(), outputs

    def plain_loss(params, hidden_state, inputs):
        found = plain.apply(plain_parameters(params), hidden_state, inputs, resets)
        hidden_states, outputs = (jnp.zeros(0), found) if settings.kind == "feedforward" else found
        return (outputs * weights).sum() + hidden_states.sum(), outputs

    def run(function):
        return jax.jit(jax.grad(function, argnums=(0, 1, 2), has_aux=True))(
            params, hidden_state, inputs
        )

    found, expected = run(loss), run(plain_loss)
    assert len(jax.tree.leaves(found)) > 6
    jax.tree.map(
        lambda ours, plain: np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-5),
        found,
        expected,
    )


def test_first_parameters_do_not_depend_on_the_number_of_blocks(data, monkeypatch):
    settings, (inputs, resets, _) = SETTINGS["plain"], data
    hidden_state = initial_hidden_state(settings, ENVIRONMENTS, AGENTS)

    def first_parameters(block):
        monkeypatch.setattr("gpae.networks.core.BLOCK_ROWS", block * ENVIRONMENTS * AGENTS)
        return core_of(settings).init(jax.random.key(3), hidden_state, inputs, resets)

    jax.tree.map(np.testing.assert_array_equal, first_parameters(STEPS), first_parameters(3))


def loops(block, data, monkeypatch):
    """How many loops the program of a forward pass has, beside the GRU's own."""
    monkeypatch.setattr("gpae.networks.core.BLOCK_ROWS", block * ENVIRONMENTS * AGENTS)
    settings, (inputs, resets, _) = SETTINGS["plain"], data
    arguments = initial_hidden_state(settings, ENVIRONMENTS, AGENTS), inputs, resets
    core = core_of(settings)
    params = core.init(jax.random.key(0), *arguments)
    return str(jax.make_jaxpr(core.apply)(params, *arguments)).count("scan[") - 1


def test_blocks_are_looped_over_only_where_there_are_several(data, monkeypatch):
    assert loops(3, data, monkeypatch) == 1
    assert loops(STEPS, data, monkeypatch) == 0


@pytest.mark.slow
def test_gradients_over_a_further_axis_are_those_one_by_one(data, monkeypatch):
    monkeypatch.setattr("gpae.networks.core.BLOCK_ROWS", 4 * ENVIRONMENTS * AGENTS)
    inputs, resets, weights = data
    core = core_of(SETTINGS["plain"])
    hidden_state = initial_hidden_state(SETTINGS["plain"], ENVIRONMENTS, AGENTS) + 0.5

    def gradient(seed):
        params = core.init(jax.random.key(seed), hidden_state, inputs, resets)
        return jax.grad(
            lambda of: (core.apply(of, hidden_state, inputs, resets)[1] * weights).sum()
        )(params)

    together = jax.jit(jax.vmap(gradient))(jnp.arange(3))
    alone = jax.tree.map(lambda *each: jnp.stack(each), *map(jax.jit(gradient), range(3)))
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        together,
        alone,
    )


def test_one_step_is_flaxs_gru_with_its_parameters():
    hidden_state, inputs = jax.random.normal(jax.random.key(0), (2, 6, 8))
    flax, steps = nn.GRUCell(8), (hidden_state, inputs[None], jnp.zeros((1, 6), bool))
    params = flax.init(jax.random.key(1), hidden_state, inputs)
    shapes = jax.tree.map(jnp.shape, Gru(8).init(jax.random.key(1), *steps))
    assert shapes == jax.tree.map(jnp.shape, params)
    np.testing.assert_allclose(
        Gru(8).apply(params, *steps)[0],
        flax.apply(params, hidden_state, inputs)[0],
        atol=1e-6,
    )


@pytest.mark.slow
def test_a_gru_keeps_time_environments_and_agents_apart():
    steps, environments, agents, size = 4, 3, 2, 6
    gru, resets = Gru(size), jnp.zeros((steps, environments, agents), bool)
    inputs = jnp.zeros((steps, environments, agents, 5))
    hidden_state = jnp.zeros((environments, agents, size))
    params = gru.init(jax.random.key(0), hidden_state, inputs, resets)
    still = gru.apply(params, hidden_state, inputs, resets)
    for t, e, n in np.ndindex(resets.shape):
        moved = gru.apply(params, hidden_state, inputs.at[t, e, n].set(1.0), resets)
        changed = jnp.any(moved != still, axis=-1)
        expected = jnp.zeros_like(resets).at[t:, e, n].set(True)
        np.testing.assert_array_equal(changed, expected)


LENGTHS = {
    (128, 80): 8,
    (128, 160): 4,
    (128, 20): 32,
    (128, 639): 1,
    (128, 5000): 1,
    (1, 4): 1,
    (12, 90): 6,
    (12, 128): 4,
    (7, 100): 1,
    (7, 91): 7,
}


@pytest.mark.parametrize(("steps", "rows"), LENGTHS)
def test_a_block_divides_the_steps_and_has_few_rows(steps, rows):
    assert BLOCK_ROWS == 640
    assert block_length(steps, rows) == LENGTHS[steps, rows]


@pytest.mark.parametrize("shape", [(6, FEATURES), (3, 2, FEATURES), (2, 1, 3, FEATURES)])
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


def test_products_over_a_further_axis():
    rows = jax.random.normal(jax.random.key(0), (3, 6, 5))
    kernels = jax.random.normal(jax.random.key(1), (3, 5, 4))

    def gradients(multiply):
        one = jax.grad(lambda rows, kernel: (multiply(rows, kernel) ** 3).sum(), argnums=(0, 1))
        return jax.jit(jax.vmap(one))(rows, kernels)

    for ours, plain in zip(gradients(product), gradients(jnp.matmul), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("outputs", [1, 2, 3, 20])
@pytest.mark.parametrize("rows", [1, 5, 6])
def test_gradients_of_a_product_whichever_side_is_transposed(rows, outputs):
    left = jax.random.normal(jax.random.key(0), (rows, 5))
    kernel = jax.random.normal(jax.random.key(1), (5, outputs))

    def gradients(multiply):
        return jax.grad(lambda a, b: (multiply(a, b) ** 3).sum(), argnums=(0, 1))(left, kernel)

    for ours, plain in zip(gradients(product), gradients(jnp.matmul), strict=True):
        np.testing.assert_allclose(ours, plain, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 3), (5, 3), (6, 1), (640, 128)])
def test_a_transposition_of_its_own(shape):
    matrix = jnp.arange(np.prod(shape), dtype=jnp.float32).reshape(shape)
    np.testing.assert_array_equal(jax.jit(transposed)(matrix), np.asarray(matrix).T)


@pytest.mark.parametrize("block", [3, STEPS])
def test_the_gradient_makes_no_product_twice_and_adds_up_biases_by_products_with_ones(
    data, block, monkeypatch
):
    monkeypatch.setattr("gpae.networks.core.BLOCK_ROWS", block * ENVIRONMENTS * AGENTS)
    inputs, resets, weights = data
    core = core_of(SETTINGS["plain"])
    hidden_state = initial_hidden_state(SETTINGS["plain"], ENVIRONMENTS, AGENTS)
    params = core.init(jax.random.key(0), hidden_state, inputs, resets)

    def loss(both):
        return (core.apply(both[0], hidden_state, both[1], resets)[1] * weights).sum()

    rows = STEPS * ENVIRONMENTS * AGENTS
    first, hidden = FEATURES * FEATURES, 3 * FEATURES * 8 + 3 * 8 * 8 + 8 * 8 + 8 * OUTPUTS
    forward, biases = 2 * rows * (first + hidden), 2 * rows * (FEATURES + 5 * 8 + OUTPUTS)
    both = (params, inputs)
    needed = gradient_work(trace(loss, both)[0], both)
    made = count_products(trace(jax.grad(loss), both)[0])
    assert needed.forward == forward
    assert made == 3 * forward + biases
