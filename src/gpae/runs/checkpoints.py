"""Checkpoints that are whole or absent, and checked against their digests before they are used.

A checkpoint is a folder that Orbax wrote and a manifest, written last. Arrays are saved and
restored on the host, as NumPy: placing them on devices is the caller's business. Restoring runs no
code from a file.
"""

import os
import re
import secrets
import shlex
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from gpae.errors import UserError
from gpae.runs.files import disk_errors
from gpae.runs.manifests import DamagedError, Manifest
from gpae.runs.trees import (
    ArrayTree,
    described,
    described_template,
    empty_arrays,
    named_arrays,
    rebuilt,
    require_fit,
)

_ENTRY = re.compile(r"(\d{12})(\.json|-[0-9a-f]{8})")
"""How the names of everything that is a checkpoint's begin; the step first."""


class Checkpoints:
    """The checkpoints of one run.

    Args:
        folder: Where they lie, ``checkpoints`` inside the run's folder; made by the first save.
        keep: How many of the newest to keep.
    """

    def __init__(self, folder: Path, keep: int = 2) -> None:
        if keep < 1:
            raise ValueError(f"keep must be at least 1, found {keep}")
        self.folder = Path(folder)
        self._keep = keep

    def steps(self) -> list[int]:
        """List the steps of all complete checkpoints, ascending; restoring verifies them."""
        if not self.folder.is_dir():
            return []
        with disk_errors(f"read {self.folder}"):
            names = [entry.name for entry in self.folder.iterdir()]
        return sorted(
            int(match[1])
            for name in names
            if (match := _ENTRY.fullmatch(name)) and match[2] == ".json"
        )

    def latest(self) -> int | None:
        """Return the newest complete checkpoint's step, or None."""
        return max(self.steps(), default=None)

    def save(self, step: int, tree: ArrayTree) -> None:
        """Write a checkpoint, read it back, compare every bit, and only then remove old ones.

        Checkpoints of later steps go too: a run that went back to an earlier one has left them.

        Args:
            step: The update it is taken after. A checkpoint of the same step is replaced.
            tree: Arrays and numbers in any pytree: parameters, optimisers, keys, counters.

        Raises:
            UserError: The disk is full, access was denied, or what was read back differs. Earlier
                checkpoints are intact.
            TypeError: A leaf is neither an array nor a number.
        """
        arrays = named_arrays(tree)
        data = self.folder.resolve() / f"{step:012d}-{secrets.token_hex(4)}"
        try:
            with _orbax_errors(f"write checkpoint {step} to {self.folder}"):
                self.folder.mkdir(parents=True, exist_ok=True)
                _write_arrays(data, arrays)
                _require_same(_read_arrays(data, described(arrays)), arrays)
                manifest = Manifest.of_folder(step, data, described(arrays))
        except BaseException:
            for remains in self.folder.glob(f"{data.name}*"):
                shutil.rmtree(remains, ignore_errors=True)
            raise
        with disk_errors(f"write checkpoint {step} to {self.folder}"):
            manifest.write(self._manifest_path(step))
        with disk_errors(f"remove old checkpoints from {self.folder}"):
            self._remove_old(manifest)

    def restore(self, template: ArrayTree, step: int | None = None) -> ArrayTree:
        """Read a checkpoint, after checking it against its manifest.

        Args:
            template: A tree of the same structure, shapes and types: arrays, numbers or
                ``jax.ShapeDtypeStruct``. Its values and shardings are not looked at.
            step: Which checkpoint; the newest when None.

        Returns:
            The tree, bit for bit as saved, with NumPy arrays on the host as its leaves; typed
            random keys and Python numbers stand where the template has them.

        Raises:
            UserError: There is no such checkpoint; a file of it is missing, cut short or altered
                (the newest earlier good one is named); or it does not fit the template.
        """
        step = self._chosen(step)
        try:
            manifest = self._verified(step)
        except DamagedError as error:
            raise UserError(
                f"{self._name(step)} is damaged: {error}; {self._way_out(step)}"
            ) from error
        require_fit(manifest.arrays, described_template(template), self._name(step))
        with _orbax_errors(f"read {self._name(step)}"):
            arrays = _read_arrays(self.folder.resolve() / manifest.folder, manifest.arrays)
        return rebuilt(template, arrays)

    def discard_after(self, step: int) -> None:
        """Give up the checkpoints of later steps: a run going back calls this before anything else.

        Otherwise, stopped before its next save, it would resume from what it meant to leave.

        Raises:
            UserError: One could not be removed.
        """
        if self.folder.is_dir():
            with disk_errors(f"remove later checkpoints from {self.folder}"):
                self._remove(lambda other, _: other > step)

    def _name(self, step: int) -> str:
        return f"checkpoint {step} of {self.folder.parent}"

    def _manifest_path(self, step: int) -> Path:
        return self.folder / f"{step:012d}.json"

    def _chosen(self, step: int | None) -> int:
        steps = self.steps()
        if not steps:
            raise UserError(f"{self.folder.parent} has no complete checkpoint")
        if step is not None and step not in steps:
            present = ", ".join(map(str, steps))
            raise UserError(f"{self.folder.parent} has no checkpoint {step}, only {present}")
        return steps[-1] if step is None else step

    def _verified(self, step: int) -> Manifest:
        manifest = Manifest.read(self._manifest_path(step))
        manifest.verify(self.folder)
        return manifest

    def _way_out(self, damaged: int) -> str:
        run = shlex.quote(str(self.folder.parent))
        for step in reversed([step for step in self.steps() if step < damaged]):
            try:
                self._verified(step)
            except DamagedError:
                continue
            return f"continue from the last good one with `gpae resume {run} --checkpoint {step}`"
        return "no earlier one is left"

    def _remove_old(self, newest: Manifest) -> None:
        earlier = [step for step in self.steps() if step < newest.step]
        kept = earlier[max(0, len(earlier) - self._keep + 1) :]
        current = (self._manifest_path(newest.step).name, newest.folder)
        self._remove(lambda step, name: step not in kept and name not in current)

    def _remove(self, unwanted: Callable[[int, str], bool]) -> None:
        """Remove entries by step and name, manifests first: without one, data is no checkpoint."""
        for entry in sorted(self.folder.iterdir(), key=lambda entry: entry.is_dir()):
            match = _ENTRY.match(entry.name)
            if match is not None and unwanted(int(match[1]), entry.name):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def _write_arrays(folder: Path, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays with Orbax, which stores none without elements: the manifest describes those."""
    import orbax.checkpoint as ocp

    with ocp.PyTreeCheckpointer() as checkpointer:
        checkpointer.save(folder, {name: array for name, array in arrays.items() if array.size})


def _read_arrays(folder: Path, descriptions: dict[str, str]) -> dict[str, np.ndarray]:
    import orbax.checkpoint as ocp

    with ocp.PyTreeCheckpointer() as checkpointer:
        stored = checkpointer.restore(folder)
    arrays = {name: np.asarray(array) for name, array in stored.items()}
    return arrays | empty_arrays(descriptions)


def _require_same(found: dict[str, np.ndarray], written: dict[str, np.ndarray]) -> None:
    for name, array in written.items():
        same = found[name].dtype == array.dtype and np.array_equal(_bits(found[name]), _bits(array))
        if not same:
            raise OSError(f"{name} reads back differently from what was written")


def _bits(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)


@contextmanager
def _orbax_errors(action: str) -> Iterator[None]:
    """Turn whatever Orbax raises into one line, and keep its threads from printing tracebacks."""
    printing = threading.excepthook
    threading.excepthook = lambda _: None
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"cannot {action}: {_reason(error)}") from error
    finally:
        threading.excepthook = printing


def _reason(error: Exception) -> str:
    """Quote the operating system on what went wrong, if the error holds its word."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    code = re.search(r"os_error_code='(\d+)'", str(error))
    return os.strerror(int(code[1])) if code else " ".join(str(error).split())
