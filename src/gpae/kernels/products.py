"""Products of rows with a weight matrix, and sums of rows.

The forms for a CPU were found with XLA of jaxlib 0.10.2. There, XLA merges a transposition with the
product it goes into, or with what makes the matrix, and both become loops that jump through memory;
no upstream issue is known. It also sums over a leading axis slower than it multiplies
(https://github.com/jax-ml/jax/issues/25187). Each form can go when the reference is as fast in
``make bench``.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.kernels.kernel import kernel


def dot_of_rows(inputs: Float[Array, "*b F"], weights: Float[Array, "F H"]) -> Float[Array, "*b H"]:
    """``inputs @ weights`` by :func:`product`, for any number of leading axes."""
    rows = inputs.reshape(-1, inputs.shape[-1])
    return product(rows, weights).reshape(*inputs.shape[:-1], -1)


@kernel
def product(rows: Float[Array, "R F"], weights: Float[Array, "F H"]) -> Float[Array, "R H"]:
    """``rows @ weights``."""
    return rows @ weights


@product.fast("cpu")
@jax.custom_vjp
def _product(rows: Array, weights: Array) -> Array:
    """A product whose gradient transposes the narrower side, by :func:`transposed`."""
    return rows @ weights


def _product_forward(rows: Array, weights: Array) -> tuple[Array, tuple[Array, Array]]:
    return rows @ weights, (rows, weights)


def _product_backward(operands: tuple[Array, Array], gradient: Array) -> tuple[Array, Array]:
    rows, weights = operands
    if rows.shape[-1] > 2 * gradient.shape[-1]:
        narrow = jax.lax.optimization_barrier(transposed(gradient) @ rows)
        return gradient @ weights.T, narrow.T
    return gradient @ weights.T, transposed(rows) @ gradient


_product.defvjp(_product_forward, _product_backward)


@kernel
def add_to_rows(rows: Float[Array, "R H"], bias: Float[Array, " H"]) -> Float[Array, "R H"]:
    """``rows + bias``."""
    return rows + bias


@add_to_rows.fast("cpu")
@jax.custom_vjp
def _add_to_rows(rows: Array, bias: Array) -> Array:
    """A sum whose gradient by the bias is :func:`sum_of_rows`."""
    return rows + bias


def _add_forward(rows: Array, bias: Array) -> tuple[Array, None]:
    return rows + bias, None


def _add_backward(_: None, gradient: Array) -> tuple[Array, Array]:
    return gradient, sum_of_rows(gradient)


_add_to_rows.defvjp(_add_forward, _add_backward)


@kernel
def sum_of_rows(rows: Float[Array, "R H"]) -> Float[Array, " H"]:
    """``rows.sum(0)``."""
    return rows.sum(0)


@sum_of_rows.fast("cpu")
def _sum_of_rows(rows: Array) -> Array:
    """A sum as a product with ones."""
    ones = jnp.ones((1, len(rows)), rows.dtype)
    return jnp.matmul(ones, rows, precision=jax.lax.Precision.HIGHEST)[0]


@kernel
def transposed(matrix: Float[Array, "R H"]) -> Float[Array, "H R"]:
    """``matrix.T``."""
    return matrix.T


@transposed.fast("cpu")
def _transposed(matrix: Array) -> Array:
    """A transposition made on its own, before the product it goes into.

    The result of a loop is merged with nothing, and a transposition alone is a fast copy. An odd
    number of rows makes no such loop.
    """
    halves = matrix.reshape(2 - len(matrix) % 2, -1, matrix.shape[-1])
    _, copied = jax.lax.scan(
        lambda _, half: (None, jax.lax.optimization_barrier(half)), None, halves
    )
    return jax.lax.optimization_barrier(copied.reshape(matrix.shape).T)
