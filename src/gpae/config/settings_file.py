"""Files of settings in YAML, such as a run's ``config.yaml``, as overrides in Hydra's syntax."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from gpae.config.whole_numbers import number
from gpae.errors import UserError

_CHOSEN_BY_NAME = ("task", "method")

_GROUPS = (*_CHOSEN_BY_NAME, "preset")


_FLOAT = "tag:yaml.org,2002:float"
_SCIENTIFIC = re.compile(r"[-+]?\d+(?:\.\d*)?[eE][-+]?\d+")


class _Loader(yaml.SafeLoader):
    """YAML in which 1e4 is a number, which PyYAML takes for a text, and a whole one."""

    def construct_yaml_float(self, node: yaml.ScalarNode) -> float:
        """A number, as words of the command line give it."""
        if _SCIENTIFIC.fullmatch(node.value):
            return number(node.value)
        return super().construct_yaml_float(node)


_Loader.add_implicit_resolver(_FLOAT, _SCIENTIFIC, list("-+0123456789"))
_Loader.add_constructor(_FLOAT, _Loader.construct_yaml_float)


@dataclass(frozen=True)
class SettingsFile:
    """The settings of a file.

    Attributes:
        overrides: One for each setting, in Hydra's syntax.
        imports: The modules that it names.
    """

    overrides: list[str] = field(default_factory=list)
    imports: list[str] = field(default_factory=list)


def read_settings(path: Path) -> SettingsFile:
    """Read a file of settings.

    Args:
        path: A YAML file whose keys are settings, nested or dotted; ``task`` and ``method`` are a
            name or a mapping with one.

    Raises:
        UserError: The file cannot be read, or is not a mapping of settings.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(
            f"cannot read settings from {path}: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(values, dict) or not all(isinstance(name, str) for name in values):
        raise UserError(f"{path} is not a file of settings: it must be a mapping by their names")
    imports = values.pop("imports", None) or []
    if not isinstance(imports, list):
        raise UserError(f"{path}: imports must be a list of modules")
    return SettingsFile(list(as_overrides(values)), [str(module) for module in imports])


def as_overrides(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Settings by name as overrides in Hydra's syntax.

    Args:
        values: The settings, nested or dotted; ``task`` and ``method`` are a name or a mapping with
            one.
        prefix: The group that they are of, with its dot.
    """
    for name, value in values.items():
        setting = prefix + name
        if isinstance(value, Mapping):
            if setting in _CHOSEN_BY_NAME and "name" in value:
                yield f"{setting}={value['name']}"
                value = {field: given for field, given in value.items() if field != "name"}
            yield from as_overrides(value, f"{setting}.")
        else:
            yield f"{setting}={value if setting in _GROUPS else _written(value)}"


def _written(value: Any) -> str:
    """A value in the grammar of Hydra's overrides."""
    if value is None:
        return "null"
    if isinstance(value, np.generic):
        return _written(value.item())
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return f"[{','.join(map(_written, value))}]"
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    return repr(value)
