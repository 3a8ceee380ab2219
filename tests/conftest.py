"""Two CPU devices for every test, for what is split over devices."""

import jax
import pytest

jax.config.update("jax_num_cpu_devices", 2)


@pytest.fixture(scope="module")
def compile_quickly():
    """Compile with little optimisation while a module's tests run."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)
