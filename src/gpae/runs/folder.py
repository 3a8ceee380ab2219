"""Folder of a run: its files, its lock, and its configuration."""

import errno
import json
import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import yaml
from filelock import FileLock, Timeout

from gpae.errors import UserError
from gpae.runs.files import disk_errors, write_atomically
from gpae.runs.renamed_settings import with_present_names
from gpae.runs.versions import versions
from gpae.zoo import CARD, located

_CONFIG = "config.yaml"
_VERSIONS = "versions.json"
_LOCK = "lock"
_DIFFERENCES_SHOWN = 3


@dataclass(frozen=True)
class RunFolder:
    """A run on disk.

    Attributes:
        path: The folder.
        config: The resolved configuration the run was created with, by the settings' present names.
    """

    path: Path
    config: dict[str, Any]

    @classmethod
    def create(cls, path: Path, config: Mapping[str, Any]) -> Self:
        """Begin a new run, in a folder that is empty or does not exist.

        Args:
            path: The folder; missing parents are made.
            config: The resolved configuration: mappings, lists, strings, numbers, booleans, None.

        Returns:
            The run, with its configuration and versions on disk; among them the rules of SMAX that
            ``task.rules`` names.

        Raises:
            UserError: The folder holds a run already (with the same or another configuration) or
                something else, or it cannot be written. Nothing was changed.
            yaml.YAMLError: The configuration holds something that plain YAML cannot express.
        """
        return cls.create_all([(path, config)])[0]

    @classmethod
    def create_all(cls, wanted: Sequence[tuple[Path, Mapping[str, Any]]]) -> list[Self]:
        """Begin several new runs: none of them where one of the folders holds something.

        Args:
            wanted: A folder and a configuration for each, as for :meth:`create`.
        """
        runs = [cls(Path(path), _as_read(config)) for path, config in wanted]
        for run in runs:
            run._refuse_occupied()
        for run in runs:
            run._write()
        return runs

    def _write(self) -> None:
        described = json.dumps(versions(**_smax_rules(self.config)), indent=2) + "\n"
        with disk_errors(f"create a run in {self.path}"), _made_folder(self.path), self.lock():
            self._refuse_occupied()
            with _removed_on_failure(self.versions_path, self.lock_path):
                write_atomically(self.versions_path, described.encode())
                write_atomically(self.config_path, _as_yaml(self.config).encode())

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an existing run.

        Args:
            path: Its folder, or the name of a team of the zoo, such as ``zoo/smax-3m-gpae``.

        Raises:
            UserError: There is no such folder, or it is not a run (what is missing is named).
        """
        path = located(path)
        with disk_errors(f"open {path}"):
            if not path.is_dir():
                raise UserError(f"{path} is not a run: there is no such folder")
            missing = [name for name in (_CONFIG, _VERSIONS) if not (path / name).is_file()]
        if missing:
            raise UserError(f"{path} is not a run: it has no {' and no '.join(missing)}")
        return cls(path, _read_config(path / _CONFIG))

    @property
    def config_path(self) -> Path:
        """The resolved configuration, YAML."""
        return self.path / _CONFIG

    @property
    def versions_path(self) -> Path:
        """The software and machine that began the run, JSON."""
        return self.path / _VERSIONS

    @property
    def metrics_path(self) -> Path:
        """One record an update, JSON lines."""
        return self.path / "metrics.jsonl"

    @property
    def evaluations_path(self) -> Path:
        """One record an evaluation, JSON lines."""
        return self.path / "evaluations.jsonl"

    @property
    def checkpoints_path(self) -> Path:
        """The folder of checkpoints."""
        return self.path / "checkpoints"

    @property
    def policy_path(self) -> Path:
        """The description of the policy that is learnt, JSON."""
        return self.path / "policy.json"

    @property
    def tensorboard_path(self) -> Path:
        """The folder of TensorBoard event files."""
        return self.path / "tensorboard"

    @property
    def curve_path(self) -> Path:
        """The learning curve, a picture."""
        return self.path / "curve.png"

    @property
    def failure_path(self) -> Path:
        """The reason for which the run ended before its time, in words; there only if it did."""
        return self.path / "failure.txt"

    def record_failure(self, reason: str) -> None:
        """Keep the reason for which the run ended before its time.

        Raises:
            UserError: The disk is full or cannot be written.
        """
        with disk_errors(f"write to {self.failure_path}"):
            write_atomically(self.failure_path, f"{reason}\n".encode())

    def forget_failure(self) -> None:
        """Drop that reason, as the run goes on."""
        with disk_errors(f"remove {self.failure_path}"):
            self.failure_path.unlink(missing_ok=True)

    @property
    def lock_path(self) -> Path:
        """The file that the process writing this run holds locked."""
        return self.path / _LOCK

    def versions(self) -> dict[str, Any]:
        """Read which software and machine began the run.

        Raises:
            UserError: The file cannot be read.
        """
        with disk_errors(f"read {self.versions_path}"):
            contents = self.versions_path.read_bytes()
        try:
            return dict(json.loads(contents))
        except (ValueError, TypeError) as error:
            raise UserError(f"{self.versions_path} is damaged: it is not a JSON object") from error

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Be the only process that writes this run; the system releases the lock if it dies.

        Raises:
            UserError: Another process holds it, or the folder cannot be written.
        """
        with self._acquired():
            with disk_errors(f"write to {self.path}"):
                self.lock_path.write_text(f"{os.getpid()}\n")
            yield

    def _acquired(self) -> AbstractContextManager[Any]:
        with disk_errors(f"write to {self.path}"):
            if (self.path / CARD).is_file():
                raise UserError(f"{self.path} is an exported team: it can be used, not continued")
            if not os.access(self.path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            try:
                return FileLock(self.lock_path).acquire(timeout=0)
            except Timeout:
                owner = self.lock_path.read_text().strip() or "unknown"
                raise UserError(f"{self.path} is in use by process {owner}") from None

    def _refuse_occupied(self) -> None:
        """Raise unless a run with this configuration may begin here."""
        with disk_errors(f"create a run in {self.path}"):
            if not self.path.exists():
                return
            if not self.path.is_dir():
                raise UserError(f"{self.path} is a file: choose another folder")
            contents = {entry.name for entry in self.path.iterdir()}
        if _CONFIG in contents:
            raise UserError(self._occupied_by(_read_config(self.config_path)))
        if contents - {_LOCK, _VERSIONS}:
            raise UserError(f"{self.path} is not empty and holds no run: choose another folder")

    def _occupied_by(self, other: dict[str, Any]) -> str:
        differences = config_differences(other, self.config)
        if not differences:
            command = f"gpae resume {shlex.quote(str(self.path))}"
            return f"{self.path} already holds this run: use `{command}` to continue it"
        shown = ", ".join(differences[:_DIFFERENCES_SHOWN])
        more = len(differences) - _DIFFERENCES_SHOWN
        rest = f", and {more} more" if more > 0 else ""
        return (
            f"{self.path} already holds a run with another configuration ({shown}{rest}): "
            "choose another folder"
        )


def runs_at(path: Path) -> list[RunFolder]:
    """The run in a folder or, where it is none, the runs in the folders right below it, by name.

    Raises:
        UserError: There is no such folder, or no run.
    """
    path = Path(path)
    with disk_errors(f"open {path}"):
        is_folder = path.is_dir() and not (path / _CONFIG).exists()
        below = sorted(path.glob(f"*/{_CONFIG}")) if is_folder else []
    return [RunFolder.open(each.parent) for each in below] or [RunFolder.open(path)]


def refuse_repeated(runs: Sequence[RunFolder]) -> None:
    """Refuse runs of which one is named twice.

    Raises:
        UserError: Two are the same.
    """
    seen: set[Path] = set()
    for run in runs:
        if run.path.resolve() in seen:
            raise UserError(f"{run.path} is named twice")
        seen.add(run.path.resolve())


def same_but_for_seeds(runs: Sequence[RunFolder]) -> None:
    """Refuse runs that cannot be continued together from a checkpoint that is named.

    Raises:
        UserError: Two differ in more than their seeds.
    """
    first, *others = runs
    for run in others:
        seedless = [{**each.config, "seed": None} for each in (first, run)]
        differences = config_differences(*seedless)
        if differences:
            raise UserError(
                f"{first.path} and {run.path} differ in {differences[0]}: only runs that differ in "
                "their seeds alone go back to a checkpoint together"
            )


def config_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Name what differs between two configurations.

    Args:
        old: One configuration.
        new: The other.

    Returns:
        One entry for each difference, such as ``"task.name: smax/3m -> smax/1s1z"``, in the order
        of the first configuration, then the second. What only one has is ``absent`` in the other.
    """
    before, after = _flattened(old), _flattened(new)
    return [
        f"{key}: {before.get(key, 'absent')} -> {after.get(key, 'absent')}"
        for key in dict.fromkeys([*before, *after])
        if key not in before or key not in after or before[key] != after[key]
    ]


def _as_yaml(config: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)


def _as_read(config: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration as it will be once read from disk."""
    return dict(yaml.safe_load(_as_yaml(config)))


def _smax_rules(config: Mapping[str, Any]) -> dict[str, str]:
    """The rules a configuration names, as an argument of :func:`versions`; none by default."""
    task = config.get("task")
    if not isinstance(task, Mapping) or "rules" not in task:
        return {}
    return {"smax_rules": str(task["rules"])}


def _flattened(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            flat |= _flattened(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


def _read_config(path: Path) -> dict[str, Any]:
    with disk_errors(f"read {path}"):
        contents = path.read_bytes()
    try:
        config = yaml.safe_load(contents)
    except yaml.YAMLError:
        config = None
    if not isinstance(config, dict):
        raise UserError(f"{path} is damaged: it is not a YAML mapping")
    return with_present_names(config)


@contextmanager
def _made_folder(path: Path) -> Iterator[None]:
    """Make a folder and its parents; on failure remove those that were made and are still empty."""
    made = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise


@contextmanager
def _removed_on_failure(*paths: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise
