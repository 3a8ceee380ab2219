"""The command that makes a configuration."""

import shlex
from collections.abc import Mapping
from typing import Any

from gpae.config.compose import compose, to_dict
from gpae.config.preset_files import PRESETS
from gpae.config.schema import Config
from gpae.config.settings_file import as_overrides

_CONDUCT = ("run", "imports")
"""Groups that say nothing about a run's results, or are given in other words."""


def training_command(config: Config) -> str:
    """The shortest ``gpae train`` that makes a run's results, with the preset that is closest.

    Of presets that are equally close it takes the task's own.

    Args:
        config: The run's configuration.
    """
    chosen = [f"task={config.task_name}", f"method={config.method.name}"]
    wanted = to_dict(config)
    commands = []
    for preset in sorted(PRESETS, key=lambda preset: preset != config.task_name):
        base = [*chosen, f"preset={preset}"]
        changed = _changed(to_dict(compose(base, config.imports)), wanted)
        commands.append([*base, *as_overrides(changed)])
    imports = [word for module in config.imports for word in ("--import", module)]
    return shlex.join(["gpae", "train", *imports, *min(commands, key=len)])


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of ``after`` that ``before`` has otherwise, as a tree."""
    changed: dict[str, Any] = {}
    for name, value in after.items():
        if name in _CONDUCT or before.get(name) == value:
            continue
        old = before.get(name)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            value = _changed(old, value)
        is_whole = isinstance(value, float) and value.is_integer()
        changed[name] = int(value) if is_whole else value
    return changed
