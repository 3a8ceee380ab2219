"""The compiler's options reach the program of a run."""

import jax.numpy as jnp

from gpae.training.sharding import Runner

LIBRARY_CALL = "ynn"


def test_a_runner_compiles_with_the_options(learner, cpu_devices):
    runner = Runner(learner(window=1), cpu_devices[:1], 1)
    state = runner.initial_state(0)
    text = runner._compiled_run.lower(state, runner._environments, jnp.int32(1)).compile().as_text()
    assert LIBRARY_CALL not in text
