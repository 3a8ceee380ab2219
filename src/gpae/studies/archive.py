"""What is kept of a study's runs: everything but checkpoints and TensorBoard's copy."""

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

_KEPT = ("config.yaml", "versions.json", "metrics.jsonl", "evaluations.jsonl")


def archive(runs: Sequence[Path], results: Path) -> list[Path]:
    """Copy the records of runs to where a study keeps them, named after what they are.

    Args:
        runs: Run folders.
        results: The study's folder.

    Returns:
        The archived folders; reports read them as they read runs.

    Raises:
        UserError: A folder is not a finished run, two runs would be archived as one, another run
            is archived under a run's name, or the disk refuses. Nothing is written but in the last
            case.
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
            for name in _KEPT:
                shutil.copyfile(folder.path / name, target / name)
    return targets


def require_finished(folder: RunFolder) -> None:
    """Refuse a run whose best policy has not been evaluated.

    Raises:
        UserError: It has not.
    """
    if not any(record["absolute"] for record in RecordFile(folder.evaluations_path).read()):
        raise UserError(
            f"{folder.path} has no evaluation of its best policy; archive finished runs"
        )


def _require_same(folder: RunFolder, target: Path) -> None:
    """Refuse to put a run where another one is archived, or the same one made another time."""
    if not (target / "config.yaml").exists():
        return
    differences = config_differences(RunFolder.open(target).config, folder.config)
    with disk_errors(f"compare {folder.path} with {target}"):
        changed = [name for name in _KEPT if not _same_contents(folder.path / name, target / name)]
    if differences or changed:
        described = differences or [f"with other {', '.join(changed)}"]
        raise UserError(
            f"{target} holds another run ({'; '.join(described)}): archive {folder.path} in "
            "another folder with --results"
        )


def _same_contents(one: Path, other: Path) -> bool:
    return other.exists() and one.read_bytes() == other.read_bytes()


def archived_name(folder: RunFolder) -> str:
    """Task, method, window, learning rate and seed: what tells the studies' runs apart.

    A method's name is followed by those of its settings that are not its defaults.
    """
    config = from_dict(folder.config)
    parts = (
        plain(config.task_name),
        "-".join([config.method.name, *_chosen(config.method)]),
        f"M{config.window.length}",
        f"lr{config.update.learning_rate:g}",
        f"seed{config.seed}",
    )
    return "_".join(parts)


def _chosen(method: Any) -> list[str]:
    """The values of a method's settings that are not its defaults."""
    return [
        str(getattr(method, field.name))
        for field in fields(method)
        if getattr(method, field.name) != field.default
    ]
