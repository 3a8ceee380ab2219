"""From Hydra overrides to a checked, typed configuration."""

import re
from dataclasses import asdict
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, OverrideType
from hydra.errors import HydraException
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gpae.config.checks import check
from gpae.config.schema import Config
from gpae.environments import all_tasks, find_task
from gpae.errors import UserError
from gpae.methods import METHODS
from gpae.suggestions import did_you_mean

PRESETS = ("jaxmarl", "release")


def compose(overrides: list[str]) -> Config:
    """Resolve overrides over the presets, and check the result.

    Args:
        overrides: In Hydra's syntax: ``task=smax/5m_vs_6m``, ``method.eta=1.05``.

    Raises:
        UserError: A name is unknown, a value of the wrong type or out of range, or two do not fit.
    """
    for override in parse(overrides):
        _check_override(override)
    _register()
    GlobalHydra.instance().clear()
    try:
        with initialize_config_module("gpae.config", version_base="1.3"):
            composed = hydra_compose("config", overrides)
        config = OmegaConf.to_object(composed)
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(_one_line(error)) from error
    assert isinstance(config, Config)
    check(config)
    return config


def from_dict(values: dict[str, Any]) -> Config:
    """Rebuild a configuration from what a run folder holds.

    Raises:
        UserError: It does not fit the schema, as one of another version may not.
    """
    method = values.get("method")
    name = method.get("name") if isinstance(method, dict) else method
    if not isinstance(name, str) or name not in METHODS:
        raise UserError(f"the run's configuration names no known method: {name!r}")
    schema = OmegaConf.structured(Config(method=METHODS[name]()))
    try:
        config = OmegaConf.to_object(OmegaConf.merge(schema, values))
    except OmegaConfBaseException as error:
        raise UserError(f"the run's configuration does not fit: {_one_line(error)}") from error
    assert isinstance(config, Config)
    check(config)
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration as plain values, without the folder: a run is the same wherever it lies."""
    values = asdict(config)
    del values["run"]["folder"], values["run"]["root"]
    return values


def expand_sweep(overrides: list[str]) -> list[list[str]]:
    """Every combination of the overrides' comma-separated choices, in order."""
    from hydra._internal.core_plugins.basic_sweeper import BasicSweeper

    batches = BasicSweeper.split_arguments(parse(overrides), max_batch_size=None)
    return [list(job) for batch in batches for job in batch]


def parse(overrides: list[str]) -> list[Override]:
    """Parse overrides in Hydra's syntax.

    Raises:
        UserError: One of them is not of the form ``key=value``.
    """
    return [_parsed(override) for override in overrides]


def _parsed(override: str) -> Override:
    try:
        parsed = OverridesParser.create().parse_override(override)
    except HydraException as error:
        raise UserError(
            f"cannot read {override!r}: settings are given as key=value, values with special "
            "characters in quotes of their own: \"run.folder='~/a=b'\""
        ) from error
    if not parsed.key_or_group:
        raise UserError(f"cannot read {override!r}: it names no setting")
    return parsed


def describe(config: Config) -> str:
    """The configuration as YAML."""
    return yaml.safe_dump(to_dict(config), sort_keys=False)


def _check_override(override: Override) -> None:
    key, text = override.key_or_group, override.input_line
    if override.type is not OverrideType.CHANGE:
        raise UserError(f"{text}: settings are overridden as key=value, never added or removed")
    if override.is_sweep_override():
        raise UserError(f"{text} names several values: use `gpae train -m` to sweep")
    if re.match(r"hydra\b", key):
        raise UserError(f"{text}: only Hydra's syntax is used here, it has no settings of its own")
    _check_group(key, str(override.value()))


def _check_group(key: str, value: str) -> None:
    if key == "task":
        find_task(value)
    elif key == "method" and value not in METHODS:
        hint = did_you_mean(value, METHODS)
        raise UserError(f"no method {value!r}{hint}; `gpae methods` lists them all")
    elif key == "preset" and value not in PRESETS:
        hint = did_you_mean(value, PRESETS)
        raise UserError(f"no preset {value!r}{hint}; there are {', '.join(PRESETS)}")


def _register() -> None:
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    for name, method in METHODS.items():
        store.store(group="method_schema", name=name, node=method)
    for task in all_tasks():
        family, _, short = task.name.rpartition("/")
        settings = {} if task.settings is None else asdict(task.settings())
        node = {"name": task.name, **settings}
        store.store(group=f"task/{family}".rstrip("/"), name=short, node=node, package="task")


def _one_line(error: Exception) -> str:
    """What Hydra and OmegaConf say, as one line and with names this project uses."""
    if match := re.match(r"Could not override '([\w.@/]+)'", str(error)):
        name = match[1]
        return f"no setting {name!r}{_closest_settings(name)}; `gpae train --cfg` prints them all"
    causes: list[BaseException] = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    lines = dict.fromkeys(str(cause).strip().splitlines()[0] for cause in causes)
    return ": ".join(lines)


def _closest_settings(name: str) -> str:
    """The settings that look like a name, or else the one that ends like it."""
    known = [*_dotted(_example()), "task", "method", "preset"]
    by_field = {dotted.rpartition(".")[2]: dotted for dotted in known}
    field = by_field.get(name.rpartition(".")[2])
    return did_you_mean(name, known) or (f" (did you mean {field}?)" if field else "")


def _example() -> dict[str, Any]:
    """A configuration to look for names in: the default method's and every task's settings."""
    settings = {name: None for task in all_tasks() for name in task.setting_names}
    return {**to_dict(Config(method=METHODS["gpae"]())), "task": settings}


def _dotted(values: dict[str, Any], prefix: str = "") -> list[str]:
    names = []
    for key, value in values.items():
        if isinstance(value, dict):
            names += _dotted(value, f"{prefix}{key}.")
        else:
            names.append(prefix + key)
    return names
