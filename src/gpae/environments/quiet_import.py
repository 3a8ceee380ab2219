"""Imports of JaxMARL without its output, its changes to standard streams, or its other parts."""

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
    """Import a module, hide its output, and restore the standard streams.

    JaxMARL prints through ``sys.__stdout__``, and leaves ``sys.stdout`` and ``sys.stderr`` pointing
    at the interpreter's original streams, which would disconnect notebooks and captured output.

    Args:
        name: The module's full name.
    """
    with hidden_output():
        return importlib.import_module(name)


def import_alone(name: str) -> ModuleType:
    """Import a module, such as ``jaxmarl.environments.smax``, without running its packages.

    Importing any environment of JaxMARL imports all of them and Brax as well, which takes seconds;
    SMAX alone takes a tenth of that. A module that is already imported is returned as it is.
    Otherwise the module, and the modules it imports from its package, are separate copies, which a
    later import of the package does not use.

    Args:
        name: The module's full name.

    Raises:
        ModuleNotFoundError: If there is no such package.
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
    """Folder of an importable package, found without running it."""
    spec = importlib.util.find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    return Path(spec.submodule_search_locations[0])


def _bare_package(name: str, folder: Path) -> ModuleType:
    """Package whose modules can be imported, but whose ``__init__`` has not run."""
    package = ModuleType(name)
    package.__path__ = [str(folder)]
    return package


def _take_out(root: str) -> dict[str, ModuleType]:
    """Remove a package and its modules from ``sys.modules``, and return them by name."""
    names = [name for name in sys.modules if name == root or name.startswith(f"{root}.")]
    return {name: sys.modules.pop(name) for name in names}


@contextlib.contextmanager
def hidden_output() -> Iterator[None]:
    """Hide printed output, and restore the standard streams afterwards."""
    streams = {name: getattr(sys, name) for name in ("stdout", "stderr", "__stdout__")}
    hidden = io.StringIO()
    try:
        for name in ("stdout", "__stdout__"):
            setattr(sys, name, hidden)
        yield
    finally:
        for name, stream in streams.items():
            setattr(sys, name, stream)
