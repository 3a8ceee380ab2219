"""A GRU over some steps on a GPU, in one launch forwards and one backwards.

A step's products take a GPU about as long as one launch, and a loop of XLA's makes several launches
a step; here each block of rows goes through all steps by itself. The three matrices, 192 KiB of
float32 at H = 128, do not fit the registers beside the rows, so by default every step reads them
again from the caches. Products keep float32's precision, since those of TF32 alone would move
log-ratios by more than 1e-5.

Pallas's Triton backend is deprecated (JAX 0.11); without it :mod:`gpae.kernels.recurrence` takes
its loops. The form can go when XLA runs a loop of small products in one launch.
"""

from contextlib import AbstractContextManager
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton
from jaxtyping import Array, Bool, Float

from gpae.kernels.blocks import kept
from gpae.kernels.recurrence import (
    GruInputs,
    GruWeights,
    Parts,
    forgotten,
    gradients_by_weights,
    gradients_of_a_step,
    gru_step,
    transposed_matrices,
)

SIZES = (16, 32, 64, 128)
"""Sizes of a hidden state that fit: Triton multiplies powers of two, 16 at least."""

_CAPABILITIES = ("9.0", "10.0", "10.3")
"""NVIDIA's GPUs with 227 KiB of shared memory a block, by compute capability.

At H = 128 Triton wants up to 216 KiB of it for 16 rows, all three products' operands at once.
"""


class Launch(NamedTuple):
    """The constants of a launch, which change its speed and rounding only.

    Attributes:
        rows: Rows that a block takes through all steps: 16, 32 or 64.
        warps: Warps of a block, 4, 8 or 16: more of them share the registers that a product needs.
        precision: Precision of the products by JAX's name, ``highest`` or ``TF32_TF32_F32_X3``.
        resident: Read the weights once before the first step, not in every step.
        interpret: Run as plain JAX operations, products in float32; None does so off a GPU.
    """

    rows: int = 16
    warps: int = 16
    precision: str = "highest"
    resident: bool = False
    interpret: bool | None = None

    @property
    def interpreted(self) -> bool:
        """True if the launch is of plain JAX operations."""
        return jax.default_backend() != "gpu" if self.interpret is None else self.interpret

    def products(self) -> AbstractContextManager[Any]:
        """A context in which matrices are multiplied in the launch's precision."""
        return jax.default_matmul_precision("highest" if self.interpreted else self.precision)


LAUNCH = Launch()
"""The launch of the library."""


def fits(weights: GruWeights, hidden_state: Array, inputs: GruInputs) -> bool:
    """Tell if :func:`hidden_states` can compute with these arguments on the default device."""
    leaves = jax.tree.leaves((weights, hidden_state, inputs))
    floats = all(leaf.dtype == jnp.float32 for leaf in leaves)
    return floats and hidden_state.shape[-1] in SIZES and hidden_state.size > 0 and _device_fits()


def _device_fits() -> bool:
    """On a GPU, if it is one of those in :data:`_CAPABILITIES`; True off a GPU."""
    if jax.default_backend() != "gpu":
        return True
    return getattr(jax.local_devices()[0], "compute_capability", None) in _CAPABILITIES


def hidden_states(
    weights: GruWeights,
    hidden_state: Float[Array, "R H"],
    inputs: GruInputs,
    resets: Bool[Array, "B R"],
    launch: Launch = LAUNCH,
) -> Float[Array, "B R H"]:
    """The hidden states of :func:`gpae.kernels.recurrence.gru_hidden_states`.

    A row's values depend on no other row and not on the number of steps in a launch.

    Args:
        weights: The recurrent parameters.
        hidden_state: The hidden state before the first step.
        inputs: The inputs' part of the gates and of the candidate.
        resets: True where a step begins an episode.
        launch: The constants of a launch.
    """
    rows = len(hidden_state)
    missing = -rows % launch.rows
    hidden_state = jnp.pad(hidden_state, ((0, missing), (0, 0)))
    inputs = jax.tree.map(lambda part: jnp.pad(part, ((0, 0), (0, missing), (0, 0))), inputs)
    resets = jnp.pad(resets, ((0, 0), (0, missing)))
    return _hidden_states(launch, weights, hidden_state, inputs, resets)[:, :rows]


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def _hidden_states(
    launch: Launch, weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> Array:
    """The hidden states of whole blocks of rows."""
    states, _ = _launch_forwards(launch, weights, hidden_state, inputs, resets, parts=0)
    return states


_Residuals = tuple[GruWeights, Array, Array, Array, Parts]


def _forward(
    launch: Launch, weights: GruWeights, hidden_state: Array, inputs: GruInputs, resets: Array
) -> tuple[Array, _Residuals]:
    results = _launch_forwards(
        launch, weights, hidden_state, inputs, resets, parts=len(Parts._fields)
    )
    states, parts = jax.tree.map(kept, results)
    return states, (weights, hidden_state, states, resets, Parts(*parts))


def _backward(
    launch: Launch, residuals: _Residuals, gradient: Array
) -> tuple[GruWeights, Array, GruInputs, None]:
    weights, hidden_state, states, resets, parts = residuals
    read = forgotten(jnp.concatenate([hidden_state[None], states[:-1]]), resets)
    by_parts, by_hidden_state = _launch_backwards(launch, weights, read, parts, resets, gradient)
    by_inputs = GruInputs(by_parts.reset, by_parts.keep, by_parts.candidate)
    return gradients_by_weights(read, by_parts), by_hidden_state, by_inputs, None


_hidden_states.defvjp(_forward, _backward)


def _launch_forwards(
    launch: Launch,
    weights: GruWeights,
    hidden_state: Array,
    inputs: GruInputs,
    resets: Array,
    *,
    parts: int,
) -> tuple[Array, tuple[Array, ...]]:
    """The hidden states, [B, R, H], and all of their parts or none of them."""
    steps = _like(inputs.reset)
    states, *found = _call(
        partial(_forwards, launch),
        launch,
        (weights, hidden_state[None], inputs, resets[..., None].astype(jnp.int32)),
        (steps,) * (1 + parts),
    )
    return states, tuple(found)


def _launch_backwards(
    launch: Launch, weights: GruWeights, read: Array, parts: Parts, resets: Array, gradient: Array
) -> tuple[Parts, Array]:
    """The gradients by the parts, each [B, R, H], and by the first hidden state, [R, H]."""
    *by_parts, by_hidden_state = _call(
        partial(_backwards, launch),
        launch,
        (transposed_matrices(weights), read, parts, resets[..., None].astype(jnp.int32), gradient),
        (*map(_like, parts), _like(read[:1])),
    )
    return Parts(*by_parts), by_hidden_state[0]


def _forwards(
    launch: Launch,
    weights: GruWeights,
    hidden_state: Any,
    inputs: GruInputs,
    resets: Any,
    states: Any,
    *parts: Any,
) -> None:
    """A block of rows through all steps; arguments are references to its memory."""
    read_weights = _reader(launch, weights)

    def step(time: Array, before: Array) -> Array:
        given = jax.tree.map(lambda reference: reference[time], inputs)
        after, found = gru_step(read_weights(), before, given, resets[time, :, 0] != 0)
        _write(time, (states, *parts), (after, *found)[: 1 + len(parts)])
        return after

    with launch.products():
        jax.lax.fori_loop(0, len(states), step, hidden_state[0])


def _backwards(
    launch: Launch,
    matrices: tuple[Any, Any, Any],
    read: Any,
    parts: Parts,
    resets: Any,
    gradient: Any,
    *results: Any,
) -> None:
    """A block of rows back through all steps; arguments are references to its memory."""
    *by_parts, by_hidden_state = results
    read_matrices = _reader(launch, matrices)
    last = len(read) - 1

    def step(turn: Array, later: Array) -> Array:
        time = last - turn
        found = jax.tree.map(lambda reference: reference[time], parts)
        by_found, by_read = gradients_of_a_step(
            later + gradient[time], read[time], found, read_matrices()
        )
        _write(time, by_parts, by_found)
        return forgotten(by_read, resets[time, :, 0] != 0)

    with launch.products():
        nothing = jnp.zeros(by_hidden_state.shape[1:], by_hidden_state.dtype)
        by_hidden_state[0] = jax.lax.fori_loop(0, last + 1, step, nothing)


def _reader(launch: Launch, references: Any) -> Any:
    """A function that gives what is at references, read now or whenever it is called."""

    def read() -> Any:
        return jax.tree.map(lambda reference: reference[...], references)

    if not launch.resident:
        return read
    values = read()
    return lambda: values


def _write(time: Array, references: Any, values: Any) -> None:
    for reference, value in zip(references, values, strict=True):
        reference[time] = value


def _call(kernel: Any, launch: Launch, operands: Any, results: tuple[Any, ...]) -> tuple[Any, ...]:
    """One launch over blocks of rows; operands without the axis of rows go to every block."""
    weights, *of_rows = operands
    blocks = (jax.tree.map(_whole, weights), *jax.tree.map(partial(_rows, launch), of_rows))
    call = pl.pallas_call(
        kernel,
        out_shape=results,
        grid=(jax.tree.leaves(results)[0].shape[1] // launch.rows,),
        in_specs=blocks,
        out_specs=jax.tree.map(partial(_rows, launch), results),
        compiler_params=triton.CompilerParams(num_warps=launch.warps, num_stages=1),
        interpret=launch.interpreted,
        name=kernel.func.__name__.strip("_"),
    )
    found: tuple[Any, ...] = call(*operands)
    return found


def _whole(array: Array) -> pl.BlockSpec:
    return pl.BlockSpec(array.shape, lambda block: (0,) * array.ndim)


def _rows(launch: Launch, array: Any) -> pl.BlockSpec:
    """A block of an array [*, R, *]."""
    steps, _, size = array.shape
    return pl.BlockSpec((steps, launch.rows, size), lambda block: (0, block, 0))


def _like(array: Array) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(array.shape, array.dtype)
