"""The compiler's options reach the program of a run."""

import jax.numpy as jnp
import pytest

from gpae.training.population import Population

LIBRARY_CALL = "ynn"

pytestmark = pytest.mark.slow


def test_a_population_compiles_with_the_options(learner, cpu_devices):
    population = Population(learner(window=1), cpu_devices[:1], 1)
    state = population.initial_state(0)
    lowered = population._compiled_run.lower(state, *population._constants, jnp.int32(1))
    assert LIBRARY_CALL not in lowered.compile().as_text()
