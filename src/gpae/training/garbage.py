"""Python's garbage while a program is traced."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock

_ONE_THREAD_AT_A_TIME = RLock()


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """While it is open, Python does not look for cycles of dead objects, in any thread.

    Tracing makes many objects that stay, and the collector would go through them again and again,
    for most of a second of a run's start. A second thread waits until the first is done.
    """
    with _ONE_THREAD_AT_A_TIME:
        enabled = gc.isenabled()
        gc.disable()
        try:
            yield
        finally:
            if enabled:
                gc.enable()
