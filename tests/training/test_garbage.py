"""The garbage collector rests while a program is traced, and is then as it was."""

import gc
import weakref

import pytest

from gpae.garbage import collect_garbage_as_ever, without_garbage_collection
from gpae.training.population import Population


@pytest.fixture(autouse=True)
def as_it_was():
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()
    gc.unfreeze()


class Cycle:
    def __init__(self):
        self.itself = self


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_rests_and_is_then_as_it_was(enabled):
    (gc.enable if enabled else gc.disable)()
    with without_garbage_collection():
        assert not gc.isenabled()
    assert gc.isenabled() == enabled


def test_it_works_again_after_an_error():
    gc.enable()
    with pytest.raises(RuntimeError), without_garbage_collection():
        raise RuntimeError
    assert gc.isenabled()


def test_what_there_is_by_then_is_spared_for_a_while():
    with without_garbage_collection():
        early = weakref.ref(Cycle())
    late = weakref.ref(Cycle())
    gc.collect()
    assert early() is not None
    assert late() is None
    collect_garbage_as_ever()
    gc.collect()
    assert early() is None


@pytest.mark.slow
def test_a_population_leaves_the_collector_alone(learner, cpu_devices, collected_when_traced):
    gc.enable()
    population = Population(learner(window=1), cpu_devices[:1], 1)
    population.compile_ahead()
    population.run(population.initial_state(0), 1)
    assert collected_when_traced == [True]
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
