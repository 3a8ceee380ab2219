"""Runs of a kind: which folders differ in nothing but their seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpae.runs.folder import RunFolder

_SAID_ELSEWHERE = ("seed", "task", "run", "profile", "evaluation")


def group_runs(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Group runs that differ only in seed and task, by the method and what else tells them apart.

    Args:
        folders: Run folders.

    Returns:
        The folders by label, such as ``gpae (window.length=4)``.

    Raises:
        UserError: A folder is not a run.
    """
    settings = {folder: _flat(_compared(RunFolder.open(folder).config)) for folder in folders}
    names = dict.fromkeys(name for values in settings.values() for name in values)
    differing = [name for name in names if len({str(s.get(name)) for s in settings.values()}) > 1]
    groups: dict[str, list[Path]] = {}
    for folder, values in settings.items():
        groups.setdefault(_label(values, differing), []).append(folder)
    return groups


def _compared(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in _SAID_ELSEWHERE}


def _label(values: dict[str, Any], differing: Sequence[str]) -> str:
    method = values["method.name"]
    details = [
        f"{name}={values[name]}" for name in differing if name in values and name != "method.name"
    ]
    return f"{method} ({', '.join(details)})" if details else method


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat
