"""Results as JSON documents: what was measured, on which machine, by which command."""

import errno
import json
import math
import os
import shlex
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gpae.errors import UserError
from gpae.runs import versions
from gpae.runs.files import disk_errors, write_atomically

_VARIABLES = ("XLA_FLAGS", "JAX_", "OMP_NUM_THREADS")
"""Beginnings of the environment variables that change what is measured."""


def new_document(kind: str, **contents: Any) -> dict[str, Any]:
    """A document with everything that tells where its numbers come from.

    Args:
        kind: What it holds, such as ``bench``; with it, a table knows what to print.
        **contents: What was measured, and the settings of the measurement.
    """
    return {
        "kind": kind,
        "command": shlex.join([*_program(Path(sys.argv[0])), *sys.argv[1:]]),
        "versions": versions(),
        "variables": {
            name: value for name, value in sorted(os.environ.items()) if name.startswith(_VARIABLES)
        },
        "load_average": load_average(),
        **contents,
    }


def _program(path: Path) -> list[str]:
    """The words that run a program: a module of ``benchmarks`` by its name, any other by its."""
    if path.parent.name != "benchmarks":
        return [path.name]
    module = "benchmarks" if path.stem == "__main__" else f"benchmarks.{path.stem}"
    return ["python", "-m", module]


def load_average() -> float | None:
    """Processes that wanted to run over the last minute, where the platform counts them.

    Before a measurement it should be near 0: what else runs on a machine is measured as well.
    """
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def require_writable(path: Path) -> None:
    """See, before anything is measured, that a document can be written; nothing is left behind.

    Raises:
        UserError: It can not.
    """
    with disk_errors(f"write {path}"):
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        tempfile.TemporaryFile(dir=folder).close()


def write_document(path: Path, document: Mapping[str, Any]) -> None:
    """Write a document in one step, and its folder where there is none.

    Raises:
        UserError: The disk refused.
    """
    text = json.dumps(_valid(document), indent=1, allow_nan=False)
    with disk_errors(f"write {path}"):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, f"{text}\n".encode())


def read_document(path: Path) -> dict[str, Any]:
    """Read a document.

    Raises:
        UserError: There is none, or it is something else.
    """
    with disk_errors(f"read {path}"):
        contents = path.read_bytes()
    try:
        document = json.loads(contents)
        document["kind"]
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is no benchmark's result") from error
    return dict(document)


def _valid(value: Any) -> Any:
    """A value with the numbers JSON has no form for as text: ``"inf"``."""
    if isinstance(value, Mapping):
        return {str(name): _valid(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_valid(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value
