"""A dense layer that is fast to differentiate on a CPU."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.nn.initializers import Initializer
from jaxtyping import Array, Float

from gpae.networks.initialisers import HIDDEN_INITIALISER
from gpae.networks.parameters import parameter


class Dense(nn.Module):
    """``flax.linen.Dense``, parameters and all, with gradients in the order XLA is fast at."""

    size: int
    initialiser: Initializer = HIDDEN_INITIALISER
    use_bias: bool = True

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Apply the layer."""
        kernel = parameter(self, "kernel", self.initialiser, (inputs.shape[-1], self.size))
        outputs = dot_of_rows(inputs, kernel)
        if not self.use_bias:
            return outputs
        bias = parameter(self, "bias", nn.initializers.zeros, (self.size,))
        return add_to_rows(outputs.reshape(-1, self.size), bias).reshape(outputs.shape)


def dot_of_rows(inputs: Float[Array, "*b F"], kernel: Float[Array, "F H"]) -> Float[Array, "*b H"]:
    """``inputs @ kernel`` by :func:`product`."""
    rows = inputs.reshape(-1, inputs.shape[-1])
    return product(rows, kernel).reshape(*inputs.shape[:-1], -1)


@jax.custom_vjp
def product(rows: Float[Array, "R F"], kernel: Float[Array, "F H"]) -> Float[Array, "R H"]:
    """``rows @ kernel``, whose gradient multiplies in the order XLA is fast at on a CPU."""
    return rows @ kernel


def _product_forward(rows: Array, kernel: Array) -> tuple[Array, tuple[Array, Array]]:
    return rows @ kernel, (rows, kernel)


def _product_backward(kept: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    rows, kernel = kept
    if rows.shape[-1] > 2 * gradient.shape[-1]:
        narrow = jax.lax.optimization_barrier(transposed(gradient) @ rows)
        return gradient @ kernel.T, narrow.T
    return gradient @ kernel.T, transposed(rows) @ gradient


product.defvjp(_product_forward, _product_backward)


@jax.custom_vjp
def add_to_rows(rows: Float[Array, "R H"], bias: Float[Array, " H"]) -> Float[Array, "R H"]:
    """``rows + bias``, whose gradient by the bias is :func:`sum_of_rows`."""
    return rows + bias


def _add_forward(rows: Array, bias: Array) -> tuple[Array, None]:
    return rows + bias, None


def _add_backward(_: None, gradient: Array) -> tuple[Array, Array]:
    return gradient, sum_of_rows(gradient)


add_to_rows.defvjp(_add_forward, _add_backward)


def sum_of_rows(rows: Float[Array, "R H"]) -> Float[Array, " H"]:
    """``rows.sum(0)`` as a product with ones, which XLA makes faster than the sum on a CPU."""
    ones = jnp.ones((1, len(rows)), rows.dtype)
    return jnp.matmul(ones, rows, precision=jax.lax.Precision.HIGHEST)[0]


def transposed(matrix: Float[Array, "R H"]) -> Float[Array, "H R"]:
    """``matrix.T``, made on its own before the product it goes into.

    On a CPU, XLA would merge it with the product, or with what makes the matrix, into loops that
    jump through memory. The result of a loop is merged with nothing, and a transposition alone is
    a fast copy. An odd number of rows makes no such loop.
    """
    if jax.default_backend() != "cpu":
        return matrix.T
    halves = matrix.reshape(2 - len(matrix) % 2, -1, matrix.shape[-1])
    _, copied = jax.lax.scan(
        lambda _, half: (None, jax.lax.optimization_barrier(half)), None, halves
    )
    return jax.lax.optimization_barrier(copied.reshape(matrix.shape).T)
