"""The work of a learner's phases, by hand and against the programs that are run."""

import jax
import jax.numpy as jnp
import pytest
from toy_task import AGENTS, PLACES

from benchmarks.harness.flops import count_products, trace
from benchmarks.harness.work import acting_work, phase_work
from gpae.training.reduce import DEVICES

pytestmark = pytest.mark.slow

HIDDEN, STEPS, ENVIRONMENTS, EPOCHS = 8, 4, 16, 2
OBSERVATION = STATE = PLACES + 1

GRU = 6 * HIDDEN * HIDDEN
ACTOR_FIRST, ACTOR_REST = OBSERVATION * HIDDEN, GRU + HIDDEN * HIDDEN + HIDDEN * PLACES
VALUE_REST = GRU + HIDDEN * HIDDEN + HIDDEN


def spec_of(learner):
    return learner.collection.environment.spec


def rows_of(learner):
    return learner.budget.env_steps * learner.window_length


def test_what_acting_asks(learner):
    made = learner("method=mappo", "window.length=1")
    work = acting_work(made, spec_of(made))
    assert work.forward == 2 * AGENTS * (ACTOR_FIRST + ACTOR_REST)
    assert phase_work(made, spec_of(made))["collect"] == work * (STEPS * ENVIRONMENTS)


@pytest.mark.parametrize(
    ("method", "first"),
    [
        # The state's part of the first layer is computed once, not once an agent.
        ("mappo", STATE * HIDDEN),
        ("gpae", STATE * HIDDEN + AGENTS * AGENTS * PLACES * HIDDEN),
    ],
)
def test_what_an_update_asks(learner, method, first):
    made = learner(f"method={method}", "window.length=2")
    first, rest = first + AGENTS * ACTOR_FIRST, AGENTS * (ACTOR_REST + VALUE_REST)
    update = phase_work(made, spec_of(made))["update"]
    assert rows_of(made) == STEPS * ENVIRONMENTS
    assert update.forward == 2 * EPOCHS * rows_of(made) * (first + rest)
    assert update.backward == 2 * EPOCHS * rows_of(made) * (first + 2 * rest)


@pytest.mark.parametrize("length", [1, 2])
def test_estimation_passes_over_the_window_once_and_over_the_successors(learner, length):
    """The actor has already been where the only rollout was collected."""
    made = learner("method=mappo", f"window.length={length}")
    estimate = phase_work(made, spec_of(made))["estimate"]
    of_actor = 2 * AGENTS * (ACTOR_FIRST + ACTOR_REST)
    of_critic = 2 * (AGENTS * VALUE_REST + STATE * HIDDEN)
    successors = made.budget.environments * (1 + length * made.collection.truncation_slots)
    asked = of_critic * (rows_of(made) + successors) + of_actor * successors
    assert estimate.forward == asked + (length > 1) * of_actor * rows_of(made)


@pytest.mark.parametrize("method", ["gpae", "dae", "coma", "qmix"])
def test_the_update_counts_what_its_program_makes(learner, method):
    made = learner(f"method={method}")
    state = jax.eval_shape(made.initial_state, jnp.uint32(0))
    environments = jnp.arange(made.budget.environments)
    handed = None
    for phase in made.phases:
        traced, (_, handed, _) = trace(phase.run, state, handed, environments, axis=DEVICES)
    update = phase_work(made, spec_of(made))["update"]
    assert update.useful + update.recomputed == count_products(traced)
    assert 0 <= update.recomputed < 0.5 * update.useful
