"""Two CPU devices for every test, and programs compiled quickly and kept, here and in children.

Most of the time of the tests is the compiler's. What is set in the environment already stays:
``JAX_DISABLE_MOST_OPTIMIZATIONS=0 XLA_FLAGS= make test`` compiles everything as users do.
"""

import gc
import os
from importlib import metadata

import psutil
import pytest

from gpae.runs.devices import cache_folder

QUICKLY = {
    "JAX_DISABLE_MOST_OPTIMIZATIONS": "1",
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
FLAGS_OF_JAXLIB = {
    "0.10.2": "--xla_cpu_use_fusion_emitters=false --xla_cpu_parallel_codegen_split_count=1"
}
"""Flags of XLA that halve what is left to compile; a version without a flag ends at once."""
FULL = 2 * 2**30
"""Bytes of a process's memory from which on it forgets the programs of modules that have ended."""


def compile_quickly_and_once():
    """Set the environment of this process and of its children, before JAX reads it."""
    folder = cache_folder()
    kept = {} if folder is None else {"JAX_COMPILATION_CACHE_DIR": str(folder)}
    flags = FLAGS_OF_JAXLIB.get(metadata.version("jaxlib"))
    for name, value in (QUICKLY | kept | ({"XLA_FLAGS": flags} if flags else {})).items():
        os.environ.setdefault(name, value)


compile_quickly_and_once()

import jax  # noqa: E402

jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(scope="module", autouse=True)
def _forget_programs():
    """Free a module's programs when it ends: those of all modules are more than memory holds."""
    yield
    if psutil.Process().memory_info().rss > FULL:
        jax.clear_caches()
        gc.collect()


@pytest.fixture(scope="module")
def compile_quickly():
    """Compile with little optimisation while a module's tests run, even where others do not."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


@pytest.fixture
def collected_when_traced(monkeypatch):
    """Whether Python looked for garbage, each time that an update was traced."""
    from gpae.training.population import Population

    enabled, iteration = [], Population._iteration

    def traced(population, *arguments):
        enabled.append(gc.isenabled())
        return iteration(population, *arguments)

    monkeypatch.setattr(Population, "_iteration", traced)
    return enabled
