"""The rate of matrix products that a machine reaches, to hold a program's rate against."""

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

SIZES = (512, 1024, 2048)
"""Sides of the square matrices."""

_AXIS = "devices"
_FEWEST_RUNS = 5


def gemm_rates(
    devices: Sequence[jax.Device], sizes: Sequence[int] = SIZES, seconds: float = 1.0
) -> dict[int, float]:
    """Measure products of square float32 matrices, one on each device at the same time.

    The precision is the one networks have here, JAX's default: float32 throughout on a CPU.

    Args:
        devices: The devices.
        sizes: Sides of the matrices.
        seconds: How long each size is measured for; its shortest run counts.

    Returns:
        By size, operations a second of all devices together.
    """
    mesh = Mesh(np.array(devices), (_AXIS,))
    rows, everywhere = (NamedSharding(mesh, PartitionSpec(*axes)) for axes in ((_AXIS,), ()))
    specs: Any = (rows.spec, everywhere.spec)
    multiply = jax.jit(
        jax.shard_map(jnp.matmul, mesh=mesh, in_specs=specs, out_specs=specs[0], check_vma=False)
    )
    random = np.random.default_rng(0)

    def rate(size: int) -> float:
        left = random.normal(size=(len(devices) * size, size)).astype(np.float32)
        right = random.normal(size=(size, size)).astype(np.float32)
        operands = jax.device_put(left, rows), jax.device_put(right, everywhere)
        shortest = shortest_run(lambda: multiply(*operands), seconds)
        return len(devices) * 2 * size**3 / shortest

    return {size: rate(size) for size in sizes}


def shortest_run(run: Callable[[], Any], seconds: float) -> float:
    """The shortest time of the runs that ``seconds`` have room for, after one that compiles."""
    jax.block_until_ready(run())
    times: list[float] = []
    while sum(times) < seconds or len(times) < _FEWEST_RUNS:
        started = time.perf_counter()
        jax.block_until_ready(run())
        times.append(time.perf_counter() - started)
    return min(times)
