"""Checkpoints that are whole or absent, and checked against their digests before they are used.

A checkpoint is a step of Orbax's ``CheckpointManager`` and a manifest, written last. Arrays are
saved and restored on the host, as NumPy: placing them on devices is the caller's business.
Restoring runs no code from a file.
"""

import os
import re
import shlex
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gpae.errors import UserError
from gpae.runs.files import disk_errors
from gpae.runs.manifests import DamagedError, Manifest
from gpae.runs.trees import (
    ArrayTree,
    blank_arrays,
    described,
    described_template,
    named_arrays,
    rebuilt,
    require_fit,
)

if TYPE_CHECKING:
    from orbax.checkpoint import CheckpointManager

_STEP_DIGITS = 12

_MANIFEST, _REPLACED = ".json", ".replaced"

_ENTRY = re.compile(rf"(\d{{{_STEP_DIGITS}}})(\.json|\.replaced|\.orbax-checkpoint-tmp.*)?")
"""Names of manifests and of data: of a step, of one being replaced, and of an interrupted save."""


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
            if (match := _ENTRY.fullmatch(name)) and match[2] == _MANIFEST
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
        action = f"write checkpoint {step} to {self.folder}"
        with disk_errors(action), self._replacing(step):
            with _orbax_errors(action):
                self.folder.mkdir(parents=True, exist_ok=True)
                _write_arrays(self.folder, step, arrays)
                _require_same(_read_arrays(self.folder, step, described(arrays)), arrays)
                manifest = Manifest.of_folder(step, self._data_path(step), described(arrays))
            manifest.write(self._manifest_path(step))
        with disk_errors(f"remove old checkpoints from {self.folder}"):
            self._remove_old(step)

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
        stored = self._stored(step)
        require_fit(stored, described_template(template), self._name(step))
        return rebuilt(template, self._read(step, stored))

    def restore_parts(
        self, templates: Mapping[str, ArrayTree], step: int | None = None
    ) -> dict[str, ArrayTree]:
        """Read parts of a checkpoint's tree, after checking it as :meth:`restore` does.

        Args:
            templates: A tree of the structure, shapes and types of each part, by the part's place,
                such as ``state/params``.
            step: Which checkpoint; the newest when None.

        Returns:
            The parts by their places.

        Raises:
            UserError: There is no such checkpoint, it is damaged, or a part does not fit.
        """
        step = self._chosen(step)
        stored = self._stored(step)
        for part, template in templates.items():
            found = _part(stored, part)
            require_fit(found, described_template(template), f"{part} of {self._name(step)}")
        arrays = self._read(step, stored)
        return {part: rebuilt(each, _part(arrays, part)) for part, each in templates.items()}

    def _stored(self, step: int) -> dict[str, str]:
        """Type and shape of each array of a checkpoint that is whole."""
        try:
            return self._verified(step).arrays
        except DamagedError as error:
            raise UserError(
                f"{self._name(step)} is damaged: {error}; {self._way_out(step)}"
            ) from error

    def _read(self, step: int, stored: dict[str, str]) -> dict[str, np.ndarray]:
        with _orbax_errors(f"read {self._name(step)}"):
            return _read_arrays(self.folder, step, stored)

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

    def _data_path(self, step: int) -> Path:
        return self.folder / f"{step:0{_STEP_DIGITS}d}"

    def _manifest_path(self, step: int) -> Path:
        return self._data_path(step).with_suffix(_MANIFEST)

    @contextmanager
    def _replacing(self, step: int) -> Iterator[None]:
        """Put earlier data of a step aside; on failure it is put back, and new data removed."""
        data = self._data_path(step)
        aside = data.with_suffix(_REPLACED)
        if data.exists():
            shutil.rmtree(aside, ignore_errors=True)
            data.rename(aside)
        try:
            yield
        except BaseException:
            for remains in (data, *self.folder.glob(f"{data.name}.orbax-checkpoint-tmp*")):
                shutil.rmtree(remains, ignore_errors=True)
            if aside.exists():
                aside.rename(data)
            raise

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

    def _remove_old(self, newest: int) -> None:
        steps = [step for step in self.steps() if step <= newest]
        kept = {path for step in steps[-self._keep :] for path in self._paths(step)}
        self._remove(lambda _, path: path not in kept)

    def _paths(self, step: int) -> tuple[Path, Path]:
        return self._manifest_path(step), self._data_path(step)

    def _remove(self, unwanted: Callable[[int, Path], bool]) -> None:
        """Remove entries by step and path, manifests first: without one, data is no checkpoint."""
        for entry in sorted(self.folder.iterdir(), key=lambda entry: entry.is_dir()):
            match = _ENTRY.fullmatch(entry.name)
            if match is not None and unwanted(int(match[1]), entry):
                shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


@contextmanager
def _manager(folder: Path) -> "Iterator[CheckpointManager]":
    """Orbax's manager of a folder's steps, which neither removes any nor works in the background.

    What is kept is decided here: Orbax would remove an old step before the new one is verified.
    """
    import orbax.checkpoint as ocp

    options = ocp.CheckpointManagerOptions(
        step_format_fixed_length=_STEP_DIGITS,
        create=False,
        enable_async_checkpointing=False,
        save_root_metadata=False,
    )
    with ocp.CheckpointManager(folder.resolve(), options=options) as manager:
        yield manager


def _write_arrays(folder: Path, step: int, arrays: dict[str, np.ndarray]) -> None:
    """Write arrays with Orbax, which stores none without elements: the manifest describes those."""
    import orbax.checkpoint as ocp

    stored = {name: array for name, array in arrays.items() if array.size}
    with _manager(folder) as manager:
        manager.save(step, args=ocp.args.StandardSave(stored), force=True)


def _read_arrays(folder: Path, step: int, descriptions: dict[str, str]) -> dict[str, np.ndarray]:
    import orbax.checkpoint as ocp

    blank = blank_arrays(descriptions)
    stored = {name: array for name, array in blank.items() if array.size}
    with _manager(folder) as manager:
        return blank | manager.restore(step, args=ocp.args.StandardRestore(stored))


def _part(by_name: Mapping[str, Any], part: str) -> dict[str, Any]:
    """The entries of one part of a tree, by their names within it."""
    of_part = {
        name.removeprefix(f"{part}/"): entry
        for name, entry in by_name.items()
        if name.startswith(f"{part}/")
    }
    return {"value": by_name[part]} if part in by_name else of_part


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
    with _SILENCE.kept():
        try:
            yield
        except UserError:
            raise
        except Exception as error:
            raise UserError(f"cannot {action}: {_reason(error)}") from error


class _Silence:
    """Silence of threads that end by an exception, as long as anyone keeps it."""

    def __init__(self) -> None:
        self._lock, self._keepers = threading.Lock(), 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep it; threads may do so at once, and the last to leave restores the hook."""
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def _change(self, keepers: int) -> None:
        with self._lock:
            if self._keepers == 0:
                self._printing = threading.excepthook
                threading.excepthook = lambda _: None
            self._keepers += keepers
            if self._keepers == 0:
                threading.excepthook = self._printing


_SILENCE = _Silence()


def _reason(error: Exception) -> str:
    """Quote the operating system on what went wrong, if the error holds its word."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    code = re.search(r"os_error_code='(\d+)'", str(error))
    return os.strerror(int(code[1])) if code else " ".join(str(error).split())
