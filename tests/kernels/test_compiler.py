"""Options of the compiler by backend; results stay as they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.kernels import compiler
from gpae.kernels.compiler import compiler_options

LIBRARY_CALL = "ynn"


@pytest.fixture(autouse=True)
def asked_anew():
    forms = [compiler_options.form(backend) for backend in compiler_options.backends]
    for form in forms:
        form.cache_clear()
    yield
    for form in forms:
        form.cache_clear()


def distances(positions):
    return jnp.linalg.norm(positions[:, :, None] - positions[:, None], axis=-1)


def compiled(options):
    positions = jax.random.normal(jax.random.key(0), (64, 11, 2))
    program = jax.jit(distances, compiler_options=options).lower(positions).compile()
    return program.as_text(), program(positions), np.asarray(positions, np.float64)


def test_a_small_reduction_stays_out_of_the_library_and_is_the_same():
    if LIBRARY_CALL not in compiled({})[0]:
        pytest.skip("this compiler hands nothing to the library")
    text, told, positions = compiled(compiler_options())
    differences = positions[:, :, None] - positions[:, None]
    assert LIBRARY_CALL not in text
    np.testing.assert_allclose(told, np.sqrt((differences**2).sum(-1)), rtol=1e-6)


def test_nothing_is_said_where_the_user_says_it(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_experimental_ynn_fusion_type=")
    assert compiler_options() == {}


def test_nothing_is_said_to_a_compiler_without_the_option(monkeypatch):
    monkeypatch.setattr(compiler, "_LIBRARY_FUSION", "xla_cpu_no_such_option")
    assert compiler_options() == {}


def test_the_option_is_known_to_the_compiler_the_project_is_tested_with():
    assert compiler_options() == {"xla_cpu_experimental_ynn_fusion_type": ""}


def test_loops_on_a_gpu_are_graphs_of_kernels_side_by_side():
    options = compiler_options.form("gpu")()
    assert options["xla_gpu_command_buffer_scheduling_mode"] == "CONCURRENT"
    assert "WHILE" in options["xla_gpu_enable_command_buffer"].split(",")


def test_each_option_of_a_gpu_can_be_set_by_the_user(monkeypatch):
    monkeypatch.setenv("XLA_FLAGS", "--xla_gpu_command_buffer_scheduling_mode=SERIALIZE")
    assert set(compiler_options.form("gpu")()) == {"xla_gpu_enable_command_buffer"}
