"""Operations counted in what was traced, against counts by hand, JAX's gradients and XLA."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.harness.flops import Work, count_products, gradient_work, trace
from gpae.environments import DiscreteActions
from gpae.networks import Actor, NetworkSettings, initial_hidden_state

A = jnp.zeros


def counted(function, *arguments):
    return gradient_work(trace(function, *arguments)[0], arguments[0])


def made_by_jax(function, *arguments):
    """The products in the gradient as JAX makes it."""
    return count_products(trace(jax.grad(function), *arguments)[0])


def test_a_product_of_batches_counts_two_operations_a_multiplication():
    def product(left, right):
        return jnp.einsum("bmk,bkn->bmn", left, right)

    traced, _ = trace(product, A((7, 3, 4)), A((7, 4, 5)))
    assert count_products(traced) == 2 * 7 * 3 * 4 * 5


def test_first_layer_needs_one_product_backwards_and_a_hidden_layer_two():
    def loss(weights, inputs):
        return (jnp.tanh(inputs @ weights[0]) @ weights[1]).sum()

    weights, inputs = (A((3, 4)), A((4, 5))), A((6, 3))
    first, second = 2 * 6 * 3 * 4, 2 * 6 * 4 * 5
    assert counted(loss, weights, inputs) == Work(
        forward=first + second, backward=first + 2 * second
    )


def test_a_choice_is_not_differentiated_through():
    def loss(weights, inputs, values, readout):
        chosen = (inputs @ weights).argmax(-1)
        return (jnp.take(values, chosen) @ readout).sum() + (inputs @ weights).sum()

    arguments = A((3, 4)), A((6, 3)), A(4), A((6, 2))
    product, last = 2 * 6 * 3 * 4, 2 * 6 * 2
    assert counted(loss, *arguments) == Work(forward=2 * product + last, backward=2 * product)


def test_what_is_not_differentiated_has_no_work_backwards():
    def loss(weights, inputs):
        target = inputs @ jax.lax.stop_gradient(weights)
        return ((inputs @ weights - target) ** 2).sum()

    product = 2 * 6 * 3 * 4
    assert counted(loss, A((3, 4)), A((6, 3))) == Work(forward=2 * product, backward=product)


def recurrence(weights, inputs, remat):
    """A recurrent loss: the carry depends on the weights from the second turn on."""

    def cell(memory, each):
        memory = jnp.tanh(memory @ weights + each @ weights)
        return memory, memory

    step = jax.checkpoint(cell, prevent_cse=False) if remat else cell
    return jax.lax.scan(step, A((3, 4)), inputs)[0].sum()


@pytest.mark.parametrize("remat", [False, True])
def test_loops_multiply_and_recomputation_does_not_count(remat):
    def loss(weights, inputs):
        return recurrence(weights, inputs, remat)

    weights, inputs = A((4, 4)), A((5, 3, 4))
    product = 5 * 2 * 3 * 4 * 4
    work = counted(loss, weights, inputs)
    assert work == Work(forward=2 * product, backward=3 * product)
    assert made_by_jax(loss, weights, inputs) == work.useful + (2 * product if remat else 0)


def test_a_condition_counts_its_dearest_branch():
    def loss(weights, inputs):
        return jax.lax.cond(
            inputs[0, 0] > 0, lambda: (inputs @ weights).sum(), lambda: weights.sum()
        )

    product = 2 * 6 * 3 * 4
    assert counted(loss, A((3, 4)), A((6, 3))) == Work(forward=product, backward=product)


def test_what_any_branch_of_a_condition_makes_active_is_active():
    def loss(weights, inputs):
        taken = jax.lax.cond(
            inputs[0, 0] > 0, lambda: inputs @ inputs.T, lambda: jnp.zeros((6, 6)) + weights[0, 0]
        )
        return (taken @ inputs).sum()

    product = 2 * 6 * 6 * 3
    assert counted(loss, A((3, 4)), A((6, 3))) == Work(forward=2 * product, backward=product)


def test_products_in_an_endless_loop_are_refused():
    def run(weights):
        return jax.lax.while_loop(lambda x: x.sum() < 1.0, lambda x: x @ weights, weights)

    with pytest.raises(ValueError, match="unknown length"):
        count_products(trace(run, A((3, 3)))[0])


def test_work_adds_up_and_multiplies():
    assert (Work(1, 2, 3) + Work(10, 20, 30)) * 2 == Work(22, 44, 66)


SETTINGS = {core: NetworkSettings(core=core, hidden_size=64) for core in ("gru", "feedforward")}


@pytest.fixture(scope="module", params=SETTINGS)
def actor(request):
    """A policy network of O = 32 and A = 16, with inputs of one step, 64 environments, 4 agents."""
    settings = SETTINGS[request.param]
    network = Actor(settings, DiscreteActions(16))
    arguments = (
        initial_hidden_state(settings, 64, 4),
        A((1, 64, 4, 32)),
        jnp.ones((1, 64, 4, 16), bool),
        jnp.zeros((1, 64), bool),
    )
    params = jax.eval_shape(network.init, jax.random.key(0), *arguments)

    def loss(differentiated, *arguments):
        params, memory = differentiated
        return (network.apply(params, memory, *arguments)[1].logits ** 2).sum()

    memory, *inputs = arguments
    return request.param, loss, ((params, memory), *inputs)


def test_an_actor_counts_its_layers(actor):
    core, loss, arguments = actor
    rows = 64 * 4
    first, hidden = 32 * 64, {"gru": 6, "feedforward": 1}[core] * 64 * 64
    last = 64 * 64 + 64 * 16
    assert counted(loss, *arguments) == Work(
        forward=2 * rows * (first + hidden + last),
        backward=2 * rows * (first + 2 * (hidden + last)),
    )


def test_the_count_agrees_with_xla(actor):
    # XLA counts every operation, and of a loop one turn: here there is but one. It may find that
    # what the gradient makes again was there before.
    core, loss, arguments = actor
    work = counted(loss, *arguments)
    compiled = jax.jit(jax.value_and_grad(loss)).lower(*arguments).compile()
    flops = compiled.cost_analysis()["flops"]
    assert work.useful <= flops <= 1.03 * made_by_jax(loss, *arguments)
    if core == "feedforward":
        np.testing.assert_allclose(flops, work.useful, rtol=0.03)
