"""Archive of a study's runs: their records, without checkpoints and TensorBoard files."""

import shutil
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from gpae.config.compose import from_dict
from gpae.errors import UserError
from gpae.runs import RecordFile, RunFolder, config_differences
from gpae.runs.files import disk_errors
from gpae.runs.folder_names import plain

_ARCHIVED_FILES = ("config.yaml", "versions.json", "metrics.jsonl", "evaluations.jsonl")


def archive(runs: Sequence[Path], results: Path) -> list[Path]:
    """Copy the records of runs to a study's folder, each to a folder named after its settings.

    Args:
        runs: Run folders.
        results: The study's folder.

    Returns:
        The archived folders, which reports accept as run folders.

    Raises:
        UserError: If a folder is not a finished run, two runs have the same archived name, another
            run is already archived under that name, or writing fails. Nothing is written except in
            the last case.
    """
    folders = [RunFolder.open(run) for run in runs]
    for folder in folders:
        require_finished(folder)
    names = [archived_name(folder) for folder in folders]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise UserError(f"several runs would be archived as {', '.join(sorted(twice))}")
    targets = [results / name for name in names]
    for folder, target in zip(folders, targets, strict=True):
        _require_same(folder, target)
    with disk_errors(f"archive runs in {results}"):
        for folder, target in zip(folders, targets, strict=True):
            target.mkdir(parents=True, exist_ok=True)
            for name in _ARCHIVED_FILES:
                shutil.copyfile(folder.path / name, target / name)
    return targets


def require_finished(folder: RunFolder) -> None:
    """Check that a run has finished, with the final evaluation of its best policy.

    Raises:
        UserError: If it has not.
    """
    if not any(record["absolute"] for record in RecordFile(folder.evaluations_path).read()):
        raise UserError(
            f"{folder.path} has no evaluation of its best policy; archive finished runs"
        )


def _require_same(folder: RunFolder, target: Path) -> None:
    """Check that the target is free, or already holds the very same records."""
    if not (target / "config.yaml").exists():
        return
    differences = config_differences(RunFolder.open(target).config, folder.config)
    with disk_errors(f"compare {folder.path} with {target}"):
        changed = [
            name
            for name in _ARCHIVED_FILES
            if not _same_contents(folder.path / name, target / name)
        ]
    if differences or changed:
        described = differences or [f"with other {', '.join(changed)}"]
        raise UserError(
            f"{target} holds another run ({'; '.join(described)}): archive {folder.path} in "
            "another folder with --results"
        )


def _same_contents(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def archived_name(folder: RunFolder) -> str:
    """Folder name of a run: task, method, window length, learning rate and seed.

    The method's name is followed by the values of its settings that differ from their defaults.
    """
    config = from_dict(folder.config)
    parts = (
        plain(config.task_name),
        "-".join([config.method.name, *_non_default_values(config.method)]),
        f"M{config.window.length}",
        f"lr{config.update.learning_rate:g}",
        f"seed{config.seed}",
    )
    return "_".join(parts)


def _non_default_values(method: Any) -> list[str]:
    """Values of a method's settings that differ from their defaults."""
    return [
        str(getattr(method, field.name))
        for field in fields(method)
        if getattr(method, field.name) != field.default
    ]
