"""Two CPU devices for every test, and compiled programs kept for the next run of the tests."""

import gc
import os

import jax
import pytest

from gpae.runs.devices import cache_folder

jax.config.update("jax_num_cpu_devices", 2)
if "JAX_COMPILATION_CACHE_DIR" not in os.environ and (folder := cache_folder()) is not None:
    jax.config.update("jax_compilation_cache_dir", str(folder))


@pytest.fixture(scope="module")
def compile_quickly():
    """Compile with little optimisation while a module's tests run."""
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
