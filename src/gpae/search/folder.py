"""Folder of a search: its description, its lock, Optuna's journal and the trials' runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import yaml
from filelock import FileLock, Timeout

from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically

_DESCRIPTION = "search.yaml"
_LOCK = "lock"


@dataclass(frozen=True)
class SearchSettings:
    """All that decides a search.

    Attributes:
        words: The overrides, of which some have spaces.
        imports: Modules that register methods, tasks or networks.
        trials: Number of trials.
        seeds: Number of seeds of a trial.
        batch: Number of trials that are drawn and compared together.
        rungs: Number of times that trials are compared, the end included; 1 for no early stopping.
        reduction: One trial in so many goes on from a rung.
        seed: Seed of the draws.
    """

    words: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)
    trials: int = 64
    seeds: int = 2
    batch: int = 16
    rungs: int = 3
    reduction: int = 3
    seed: int = 0


@dataclass(frozen=True)
class SearchFolder:
    """A search on disk.

    Attributes:
        path: The folder.
    """

    path: Path

    @property
    def journal_path(self) -> Path:
        """Optuna's journal of the trials."""
        return self.path / "optuna.log"

    @property
    def importance_path(self) -> Path:
        """The picture of the settings' importances."""
        return self.path / "importance.png"

    @property
    def best_path(self) -> Path:
        """The best settings, a file for ``gpae train --settings``."""
        return self.path / "best.yaml"

    @property
    def results_path(self) -> Path:
        """Every trial with its values, JSON."""
        return self.path / "trials.json"

    def run_path(self, trial: int, seed: int) -> Path:
        """The folder of a trial's run with a seed."""
        return self.path / "trials" / f"{trial:04d}" / f"seed{seed}"

    @property
    def exists(self) -> bool:
        """True where a search has begun."""
        return (self.path / _DESCRIPTION).is_file()

    def settings(self, given: Mapping[str, Any]) -> SearchSettings:
        """The settings of the search here, or those of a new one.

        Args:
            given: Settings that were asked for.

        Raises:
            UserError: A search began here with others; the number of trials alone may change.
        """
        if not self.exists:
            return replace(SearchSettings(), **given)
        begun = self._read()
        for name, value in given.items():
            if name != "trials" and value != getattr(begun, name):
                raise UserError(
                    f"{self.path} holds a search with other {name}: "
                    f"{_shown(getattr(begun, name))}; leave them out to go on with it, or choose "
                    "another folder"
                )
        return replace(begun, **{name: given[name] for name in ("trials",) if name in given})

    @contextmanager
    def held(self, settings: SearchSettings) -> Iterator[None]:
        """Be the only process that makes the search, in this folder, which is made if need be.

        Args:
            settings: All that decides it, which the folder keeps.

        Raises:
            UserError: Another process makes it, or the folder holds something else or cannot be
                written.
        """
        self._refuse_occupied()
        path = self.path / _LOCK
        with disk_errors(f"begin a search in {self.path}"):
            self.path.mkdir(parents=True, exist_ok=True)
            try:
                lock = FileLock(path).acquire(timeout=0)
            except Timeout:
                raise UserError(f"{self.path} is in use by another process") from None
        with lock:
            with disk_errors(f"write to {self.path}"):
                text = yaml.safe_dump(asdict(settings), sort_keys=False, allow_unicode=True)
                write_atomically(self.path / _DESCRIPTION, text.encode())
            yield

    def _refuse_occupied(self) -> None:
        with disk_errors(f"begin a search in {self.path}"):
            if self.path.exists() and not self.path.is_dir():
                raise UserError(f"{self.path} is a file: choose another folder")
            if self.exists or not self.path.exists():
                return
            if {entry.name for entry in self.path.iterdir()} - {_LOCK}:
                raise UserError(
                    f"{self.path} is not empty and holds no search: choose another folder"
                )

    @classmethod
    def new(cls, root: Path, name: str) -> Self:
        """A folder that does not exist yet, below a root, for a search of that name."""
        numbers = ("", *(f"-{number}" for number in range(2, 1000)))
        return cls(next(path for each in numbers if not (path := root / f"{name}{each}").exists()))

    def _read(self) -> SearchSettings:
        path = self.path / _DESCRIPTION
        with disk_errors(f"read {path}"):
            contents = path.read_bytes()
        try:
            values = yaml.safe_load(contents)
            known = {each.name for each in fields(SearchSettings)}
            return SearchSettings(**{name: values[name] for name in known})
        except (yaml.YAMLError, KeyError, TypeError) as error:
            raise UserError(f"{path} is damaged: it describes no search") from error


def _shown(value: Any) -> str:
    return " ".join(value) if isinstance(value, list) else str(value)
