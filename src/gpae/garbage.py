"""Pauses of Python's garbage collector, for a process that is the command line's own.

The library never uses them: whose process it is decides about its garbage.
"""

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
