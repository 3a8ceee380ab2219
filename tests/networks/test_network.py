"""A network over time against plain Flax, in blocks of any length and with any core."""

from functools import cache

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.harness.flops import count_products, gradient_work, trace
from gpae.kernels.blocks import kept, over_time
from gpae.networks import NetworkSettings, initial_hidden_state
from gpae.networks.layers import Dense, Head, Hidden
from gpae.networks.network import Network

STEPS, ENVIRONMENTS, AGENTS, FEATURES, OUTPUTS = 12, 3, 2, 5, 4
ROWS = ENVIRONMENTS * AGENTS
BLOCK_ROWS = "gpae.kernels.blocks.BLOCK_ROWS"
SETTINGS = {
    "plain": NetworkSettings(hidden_size=8, head_hidden=True),
    "no hidden head": NetworkSettings(hidden_size=8, head_hidden=False),
    "layer norm": NetworkSettings(hidden_size=8, head_hidden=True, layer_norm=True),
    "lstm": NetworkSettings(core="lstm", hidden_size=8),
    "feed-forward": NetworkSettings(core="feedforward", hidden_size=8, head_hidden=True),
}


class Encoder(nn.Module):
    """A first layer, of the project's own dense layer or of flax's."""

    layer: type

    @nn.compact
    def __call__(self, inputs):
        return jnp.tanh(kept(self.layer(FEATURES, name="layer")(inputs)))


class OverTime(nn.Module):
    """A network, as actors and critics run it."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, hidden_state, inputs, resets):
        encoder = Encoder(Dense, parent=None)
        network = Network(self.settings, encoder, OUTPUTS, 1.0, name="network")
        return over_time(network, hidden_state, inputs, resets)


class PlainCore(nn.Module):
    """Flax's cells step by step; nothing named, nothing recomputed."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, hidden_state, inputs, resets):
        size = self.settings.hidden_size
        if self.settings.core == "feedforward":
            return hidden_state, Hidden(self.settings, size)(inputs)
        cell_class = {"gru": nn.GRUCell, "lstm": nn.OptimizedLSTMCell}[self.settings.core]
        cell = cell_class(size, name="cell")
        hidden_states, outputs = [], []
        for features, reset in zip(inputs, resets, strict=True):
            hidden_state = jax.tree.map(
                lambda leaf, reset=reset: jnp.where(reset[..., None, None], 0.0, leaf), hidden_state
            )
            hidden_state, output = cell(hidden_state, features)
            hidden_states.append(hidden_state)
            outputs.append(output)
        return jax.tree.map(lambda *steps: jnp.stack(steps), *hidden_states), jnp.stack(outputs)


class PlainNetwork(nn.Module):
    """The computation of :class:`Network` in plain Flax, of all steps at once."""

    settings: NetworkSettings

    @nn.compact
    def __call__(self, hidden_state, inputs, resets):
        features = Encoder(nn.Dense, name="encoder")(inputs)
        core = PlainCore(self.settings, name="core")
        hidden_states, features = core(hidden_state, features, resets)
        return hidden_states, Head(self.settings, OUTPUTS, 1.0, name="head")(features)


def plain_parameters(settings, params):
    """A network's parameters as :class:`PlainNetwork` names them."""
    core = {"cell": params["core"]} if settings.core == "gru" else params["core"]
    return {"params": {**params, "core": core}}


@pytest.fixture(scope="module")
def data():
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    return (
        jnp.asarray(random.normal(size=(*shape, FEATURES)), jnp.float32),
        jnp.asarray(random.random(shape[:-1]) < 0.3),
        jnp.asarray(random.normal(size=(*shape, OUTPUTS)), jnp.float32),
    )


def hidden_state_of(settings):
    hidden_state = initial_hidden_state(settings, ENVIRONMENTS, AGENTS)
    return jax.tree.map(lambda leaf: leaf + 0.5, hidden_state)


def outputs_and_gradients(apply, settings, params, data):
    """The outputs of a network with parameters, and gradients by these and all that it is given."""
    inputs, resets, weights = data

    def loss(params, hidden_state, inputs):
        hidden_states, outputs = apply(params, hidden_state, inputs, resets)
        remembered = sum(leaf.sum() for leaf in jax.tree.leaves(hidden_states))
        return (outputs * weights).sum() + remembered, outputs

    gradients = jax.jit(jax.grad(loss, argnums=(0, 1, 2), has_aux=True))
    return gradients(params, hidden_state_of(settings), inputs)


@pytest.fixture(scope="module")
def plainly(data):
    """A network's first parameters, and plain Flax's outputs and gradients with them, by name."""

    @cache
    def run(name):
        settings, (inputs, resets, _) = SETTINGS[name], data
        given = OverTime(settings).init(
            jax.random.key(0), hidden_state_of(settings), inputs, resets
        )
        params, plain = given["params"]["network"], PlainNetwork(settings)

        def apply(params, *given):
            return plain.apply(plain_parameters(settings, params), *given)

        return params, outputs_and_gradients(apply, settings, params, data)

    return run


@pytest.mark.slow
@pytest.mark.parametrize("block", [1, 3, 4, STEPS])
@pytest.mark.parametrize("name", SETTINGS)
def test_outputs_and_gradients_are_those_of_plain_flax(name, block, data, plainly, monkeypatch):
    params, expected = plainly(name)
    monkeypatch.setattr(BLOCK_ROWS, block * ROWS)
    network = OverTime(SETTINGS[name])

    def apply(params, *given):
        return network.apply({"params": {"network": params}}, *given)

    found = outputs_and_gradients(apply, SETTINGS[name], params, data)
    assert len(jax.tree.leaves(found)) > 6
    jax.tree.map(
        lambda ours, plain: np.testing.assert_allclose(ours, plain, rtol=1e-4, atol=1e-5),
        found,
        expected,
    )


@pytest.mark.parametrize("name", ["plain", "lstm"])
def test_first_parameters_do_not_depend_on_the_number_of_blocks(name, data, monkeypatch):
    settings, (inputs, resets, _) = SETTINGS[name], data

    def first_parameters(block):
        monkeypatch.setattr(BLOCK_ROWS, block * ROWS)
        return OverTime(settings).init(jax.random.key(3), hidden_state_of(settings), inputs, resets)

    jax.tree.map(np.testing.assert_array_equal, first_parameters(STEPS), first_parameters(3))


def loops(block, data, monkeypatch):
    """The number of loops in the program of a forward pass, beside the GRU's own."""
    monkeypatch.setattr(BLOCK_ROWS, block * ROWS)
    settings, (inputs, resets, _) = SETTINGS["plain"], data
    arguments = hidden_state_of(settings), inputs, resets
    network = OverTime(settings)
    params = network.init(jax.random.key(0), *arguments)
    return str(jax.make_jaxpr(network.apply)(params, *arguments)).count("scan[") - 1


def test_blocks_are_looped_over_only_where_there_are_several(data, monkeypatch):
    assert loops(3, data, monkeypatch) == 1
    assert loops(STEPS, data, monkeypatch) == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", ["plain", "lstm"])
def test_gradients_over_a_further_axis_are_those_one_by_one(name, data, monkeypatch):
    monkeypatch.setattr(BLOCK_ROWS, 4 * ROWS)
    inputs, resets, weights = data
    network, hidden_state = OverTime(SETTINGS[name]), hidden_state_of(SETTINGS[name])

    def gradient(seed):
        params = network.init(jax.random.key(seed), hidden_state, inputs, resets)
        return jax.grad(
            lambda of: (network.apply(of, hidden_state, inputs, resets)[1] * weights).sum()
        )(params)

    together = jax.jit(jax.vmap(gradient))(jnp.arange(3))
    alone = jax.tree.map(lambda *each: jnp.stack(each), *map(jax.jit(gradient), range(3)))
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        together,
        alone,
    )


@pytest.mark.parametrize("block", [3, STEPS])
def test_the_gradient_makes_no_product_twice_and_adds_up_biases_by_products_with_ones(
    data, block, monkeypatch
):
    monkeypatch.setattr(BLOCK_ROWS, block * ROWS)
    inputs, resets, weights = data
    network, hidden_state = OverTime(SETTINGS["plain"]), hidden_state_of(SETTINGS["plain"])
    params = network.init(jax.random.key(0), hidden_state, inputs, resets)

    def loss(both):
        return (network.apply(both[0], hidden_state, both[1], resets)[1] * weights).sum()

    rows = STEPS * ROWS
    first, hidden = FEATURES * FEATURES, 3 * FEATURES * 8 + 3 * 8 * 8 + 8 * 8 + 8 * OUTPUTS
    forward, biases = 2 * rows * (first + hidden), 2 * rows * (FEATURES + 5 * 8 + OUTPUTS)
    both = (params, inputs)
    needed = gradient_work(trace(loss, both)[0], both)
    made = count_products(trace(jax.grad(loss), both)[0])
    assert needed.forward == forward
    assert made == 3 * forward + biases
