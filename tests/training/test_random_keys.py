"""No two draws share a key."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.training.collection import collect
from gpae.training.keys import Clock, Purpose, derive, derive_each

COUNTERS, ENVIRONMENTS = 5, 6


def words(keys):
    return [tuple(word) for word in np.asarray(jax.random.key_data(keys)).reshape(-1, 2)]


def test_keys_differ_by_seed_purpose_counter_and_environment():
    environments = jnp.arange(ENVIRONMENTS)
    keys = [
        word
        for seed in (0, 1, 2**32 - 1)
        for purpose in Purpose
        for counter in range(COUNTERS)
        for word in words(derive_each(seed, purpose, counter, environments))
    ]
    assert len(keys) == 3 * len(Purpose) * COUNTERS * ENVIRONMENTS
    assert len(set(keys)) == len(keys)


def test_an_environments_key_does_not_depend_on_its_company():
    together = derive_each(3, Purpose.STEP, 7, jnp.arange(ENVIRONMENTS))
    share = derive_each(3, Purpose.STEP, 7, jnp.arange(4, ENVIRONMENTS))
    assert words(share) == words(together)[4:]


def test_a_key_is_the_same_whether_its_counter_is_traced_or_not():
    traced = jax.jit(lambda counter: derive(5, Purpose.SHUFFLE, counter))(jnp.int32(9))
    assert words(traced) == words(derive(5, Purpose.SHUFFLE, 9))


def test_the_numbers_of_purposes_are_part_of_a_runs_identity():
    assert [(purpose.name, purpose.value) for purpose in Purpose] == [
        ("PARAMETERS", 0),
        ("RESET", 1),
        ("ACTION", 2),
        ("STEP", 3),
        ("SUCCESSOR_ACTION", 4),
        ("SHUFFLE", 5),
        ("EVALUATION_RESET", 6),
        ("EVALUATION_ACTION", 7),
        ("EVALUATION_STEP", 8),
        ("OWN_ACTIONS", 9),
        ("REPLAY", 10),
    ]


@pytest.mark.slow
def test_every_update_draws_anew(learner, experience):
    setup = learner(core="feedforward", environments=8)
    played = experience(setup)
    run = jax.jit(partial(collect, setup.collection))

    def draw(update):
        """The rollout of an update from the same start with the same parameters."""
        clock = Clock(seed=jnp.uint32(0), update=jnp.int32(update))
        where = (played.params["actor"], played.collector, clock, jnp.arange(8))
        return run(*where)[1].steps.actions

    np.testing.assert_array_equal(draw(1), draw(1))
    assert (draw(0) != draw(1)).any(axis=(0, 2)).all()
