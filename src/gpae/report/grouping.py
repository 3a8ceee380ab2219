"""Groups of runs that differ only in seed and task, with labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpae.runs.folder import RunFolder

_IGNORED = ("seed", "task", "run", "profile", "evaluation", "imports")
"""Sections of the configuration that never separate groups."""


def group_runs(folders: Sequence[Path]) -> dict[str, list[Path]]:
    """Group runs that differ only in seed and task.

    Args:
        folders: Run folders.

    Returns:
        The folders by label: the method and the settings that distinguish the group, such as
        ``gpae (window.length=4)``.

    Raises:
        UserError: If a folder is not a run.
    """
    settings = {folder: _flat(_compared(RunFolder.open(folder).config)) for folder in folders}
    groups: dict[str, list[Path]] = {}
    for folder, label in _labels(settings).items():
        groups.setdefault(label, []).append(folder)
    return groups


def _compared(config: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in _IGNORED}


def _labels(settings: dict[Path, dict[str, Any]]) -> dict[Path, str]:
    """Label of each run: its method, and the settings in which it differs from other runs.

    A method's own settings are compared among runs of that method, all others among all runs.
    """
    everyone = list(settings.values())
    labels = {}
    for folder, own in settings.items():
        method = own.get("method.name", "unknown method")
        alike = [other for other in everyone if other.get("method.name") == own.get("method.name")]
        details = [
            f"{name}={value}"
            for name, value in own.items()
            if _differs(name, alike if name.startswith("method.") else everyone)
        ]
        labels[folder] = f"{method} ({', '.join(details)})" if details else method
    return labels


def _differs(name: str, settings: Sequence[dict[str, Any]]) -> bool:
    return len({str(values.get(name)) for values in settings}) > 1


def _flat(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, dict):
            flat.update(_flat(value, f"{prefix}{name}."))
        else:
            flat[prefix + name] = value
    return flat
