"""Importing JaxMARL, which prints and rearranges the standard streams when it is imported."""

import contextlib
import importlib
import io
import sys
from collections.abc import Iterator
from types import ModuleType


def import_quietly(name: str) -> ModuleType:
    """Import a module, hiding what it prints, and undo what it does to the streams.

    JaxMARL prints through ``sys.__stdout__``, and leaves ``sys.stdout`` and ``sys.stderr`` pointing
    at the interpreter's original streams, which would disconnect notebooks and captured output.

    Args:
        name: The module's full name.
    """
    with hidden_output():
        return importlib.import_module(name)


@contextlib.contextmanager
def hidden_output() -> Iterator[None]:
    """Hide what is printed, and put the standard streams back as they were."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__")}
    hidden = io.StringIO()
    try:
        for name in ("stdout", "__stdout__"):
            setattr(sys, name, hidden)
        yield
    finally:
        for name, stream in streams.items():
            setattr(sys, name, stream)
