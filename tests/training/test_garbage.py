"""The garbage collector rests while a program is traced, and is then as it was."""

import gc

import pytest

from gpae.training.garbage import without_garbage_collection


@pytest.fixture(autouse=True)
def as_it_was():
    enabled = gc.isenabled()
    yield
    (gc.enable if enabled else gc.disable)()


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


def test_it_works_again_once_a_run_has_been_compiled_ahead(learner, cpu_devices):
    from gpae.training.sharding import Runner

    runner = Runner(learner(window=1), cpu_devices[:1], 1)
    runner.compile_ahead()
    runner.run(runner.initial_state(0), 1)
    assert gc.isenabled()
