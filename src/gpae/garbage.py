"""Python's garbage while a run is put together and its program traced."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_THREAD_AT_A_TIME = RLock()


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """While it is open, Python does not look for cycles of dead objects, in any thread.

    Imports and tracing make many objects that stay, and the collector would go through them again
    and again, for most of a second of a run's start. When it is closed, what there is by then is
    spared until :func:`collect_garbage_as_ever`. A second thread waits until the first is done.
    """
    with _ONE_THREAD_AT_A_TIME:
        enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            gc.freeze()
            if enabled:
                gc.enable()


def collect_garbage_as_ever() -> None:
    """Let the collector go through all objects again: none is spared any more."""
    gc.unfreeze()
