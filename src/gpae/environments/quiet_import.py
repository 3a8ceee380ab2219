"""Importing JaxMARL, which prints and rearranges the standard streams when it is imported."""

import contextlib
import importlib
import importlib.util
import io
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
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


def import_alone(name: str) -> ModuleType:
    """Import a module, such as ``jaxmarl.environments.smax``, without running its packages.

    Importing any environment of JaxMARL imports them all and brax with them, which takes seconds;
    SMAX needs a tenth of that. Where the module is imported already, that is what is returned. Else
    it and what it imports of its package are copies of their own: whatever imports the package
    later finds nothing done.

    Args:
        name: The module's full name.

    Raises:
        ModuleNotFoundError: There is no such package.
    """
    return sys.modules.get(name) or _imported_alone(name)


@cache
def _imported_alone(name: str) -> ModuleType:
    root, *inner = name.split(".")[:-1]
    outside = _take_out(root)
    try:
        folder = _folder(root)
        sys.modules[root] = _bare_package(root, folder)
        for depth in range(1, len(inner) + 1):
            package = ".".join((root, *inner[:depth]))
            sys.modules[package] = _bare_package(package, folder.joinpath(*inner[:depth]))
        return import_quietly(name)
    finally:
        _take_out(root)
        sys.modules.update(outside)


def _folder(package: str) -> Path:
    """Where an importable package is; nothing of it is run."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return Path(spec.submodule_search_locations[0])


def _bare_package(name: str, folder: Path) -> ModuleType:
    """A package that finds its modules but has not run."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    return package


def _take_out(root: str) -> dict[str, ModuleType]:
    """Forget that a package and its modules were imported; what was forgotten is returned."""
    names = [name for name in sys.modules if name == root or name.startswith(f"{root}.")]
    return {name: sys.modules.pop(name) for name in names}


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
