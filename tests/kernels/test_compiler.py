"""Options of the compiler: small reductions stay out of a library, results stay as they are."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.kernels import compiler
from gpae.kernels.compiler import compiler_options

LIBRARY_CALL = "ynn"


@pytest.fixture(autouse=True)
def asked_anew():
    form = compiler_options.form("cpu")
    form.cache_clear()
    yield
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
