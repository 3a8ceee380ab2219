"""Python's garbage while a program is traced."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """While it is open, Python does not look for cycles of dead objects, in any thread.

    Tracing makes many objects that stay, and the collector would go through them again and again,
    for most of a second of a run's start.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
