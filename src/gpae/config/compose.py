"""From Hydra overrides to a checked, typed configuration."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from itertools import product
from typing import Any

import yaml
from hydra import compose as hydra_compose
from hydra import initialize_config_module
from hydra.core.config_store import ConfigStore
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Override, OverrideType
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from gpae.config.checks import check, refuse_unused
from gpae.config.imports import import_modules, modules_needed
from gpae.config.method_settings import chosen_method, for_method
from gpae.config.preset_files import PRESETS
from gpae.config.schema import Config
from gpae.config.whole_numbers import written_out
from gpae.environments import Task, find_task
from gpae.errors import UnknownNameError, UserError, did_you_mean
from gpae.methods import METHODS

_UNREGISTERED = "if a module registers it, name it with --import"

_DEFAULT_TASK = "smax/3m"

_DEFAULT_METHOD = "gpae"

_GROUPS = ("task", "method", "preset")

FAMILY_PRESETS = {"mabrax": "mabrax"}
"""The preset of a family of tasks where none is asked for; ``jaxmarl`` for every other family."""


def compose(
    overrides: list[str], imports: Sequence[str] = (), defaults: Sequence[str] = ()
) -> Config:
    """Resolve overrides over the presets, and check the result.

    Args:
        overrides: In Hydra's syntax: ``task=smax/5m_vs_6m``, ``method.eta=1.05``. Without a
            ``preset`` among them, the task's family decides. ``method.NAME.SETTING=VALUE`` counts
            where that method is chosen.
        imports: Modules to import before, which register methods, tasks or networks.
        defaults: Overrides that go before, of a file of settings: one that changes nothing is not
            refused for a method that has no use for it.

    Raises:
        UserError: A name is unknown, a value of the wrong type or out of range, or two do not fit.
    """
    import_modules(imports)
    chosen = chosen_method([*defaults, *overrides], _DEFAULT_METHOD)
    overrides = for_method(overrides, chosen)
    asked_for = _asked_for(overrides)
    overrides = [written_out(override) for override in (*defaults, *overrides)]
    parsed = parse(overrides)
    for override in parsed:
        _check_override(override)
    register_groups(find_task(name) for name in (_DEFAULT_TASK, *_chosen(parsed, "task")))
    GlobalHydra.instance().clear()
    try:
        config = OmegaConf.to_object(_composed(_family_preset(overrides) + overrides))
    except (HydraException, OmegaConfBaseException, ValueError) as error:
        raise UserError(_one_line(error, overrides)) from error
    assert isinstance(config, Config)
    _refuse_added(config, overrides)
    check(config)
    config.imports = modules_needed([*config.imports, *imports], config)
    refuse_unused(config, [*_changing(defaults, overrides), *asked_for])
    return config


def from_dict(values: dict[str, Any], imports: Sequence[str] = ()) -> Config:
    """Rebuild a configuration from a run folder's.

    Args:
        values: The configuration as :func:`to_dict` gives it.
        imports: Modules to import before, beside those that the configuration names.

    Raises:
        UserError: It does not fit the schema, as one of another version may not, or uses what no
            imported module registers.
    """
    import_modules([*values.get("imports", []), *imports])
    method = values.get("method")
    name = method.get("name") if isinstance(method, dict) else method
    if not isinstance(name, str) or name not in METHODS:
        raise UserError(f"the run's configuration names no known method: {name!r}; {_UNREGISTERED}")
    schema = OmegaConf.structured(Config(method=METHODS[name]()))
    try:
        config = OmegaConf.to_object(OmegaConf.merge(schema, values))
    except OmegaConfBaseException as error:
        raise UserError(f"the run's configuration does not fit: {_one_line(error, [])}") from error
    assert isinstance(config, Config)
    try:
        check(config)
    except UnknownNameError as error:
        raise UserError(f"{error}; {_UNREGISTERED}") from error
    return config


def to_dict(config: Config) -> dict[str, Any]:
    """The configuration of one run as plain values.

    It is the same wherever the run lies, with whichever others it is made and in however many
    sittings: none of these is in it.
    """
    values = asdict(config)
    for name in ("folder", "root", "population", "budget"):
        del values["run"][name]
    del values["seeds"]
    return values


def expand_sweep(overrides: list[str]) -> list[list[str]]:
    """Every combination of the overrides' choices, in order.

    Args:
        overrides: Choices are separated by commas, or are Hydra's ``range`` or ``choice``. Several
            overrides of one key have the effect that they have on a single run.
            ``method.NAME.SETTING`` has choices for one method alone.

    Raises:
        UserError: An override cannot be read, gives no choices that can be listed, or none at all.
    """
    choices = [_choices(override) for override in in_force(parse(overrides))]
    jobs = [for_method(job, chosen_method(job, _DEFAULT_METHOD)) for job in product(*choices)]
    return [list(job) for job in dict.fromkeys(map(tuple, jobs))]


def in_force(overrides: Sequence[Override]) -> list[Override]:
    """Leave out overrides that a later one of the same key replaces; mappings merge instead."""
    kept: list[Override] = []
    replaced: set[str] = set()
    for override in reversed(overrides):
        key = override.get_key_element()
        replaces = override.type is OverrideType.CHANGE and not holds_mapping(override)
        if replaces and key in replaced:
            continue
        kept.append(override)
        if replaces:
            replaced.add(key)
    return kept[::-1]


def holds_mapping(override: Override) -> bool:
    """True if an override's value, or one of its choices, is a mapping: ``run={root: here}``."""
    value = override.value()
    choices = value.list if isinstance(value, ChoiceSweep) else [value]
    return any(isinstance(choice, dict) for choice in choices)


def _choices(override: Override) -> list[str]:
    """An override for each of an override's choices."""
    if not override.is_sweep_override():
        return [str(override.input_line)]
    try:
        values = list(override.sweep_string_iterator())
    except (HydraException, ValueError) as error:
        raise UserError(
            f"{override.input_line} cannot be swept over: list the values, as in seed=0,1,2, or "
            "write seed=range(0,3)"
        ) from error
    if not values:
        raise UserError(f"{override.input_line} gives no values")
    return [f"{override.get_key_element()}={value}" for value in values]


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


def names_hydra(overrides: list[str]) -> bool:
    """True if an override is of Hydra's own settings or plugins, such as ``hydra/launcher``."""
    return any(re.match(r"hydra\b", override.key_or_group) for override in parse(overrides))


def _asked_for(overrides: Sequence[str]) -> dict[str, Any]:
    """The values that overrides set, each field of a group on its own, by the settings' names."""
    values = ({override.key_or_group: override.value()} for override in parse(list(overrides)))
    return {name: value for given in values for name, value in _flat(given).items()}


def _changing(defaults: Sequence[str], overrides: list[str]) -> list[str]:
    """The settings of a file that are not those of the task, method and preset asked for."""
    if not defaults:
        return []
    without = _flat(_settable(overrides))
    return [name for name, value in _asked_for(defaults).items() if without.get(name) != value]


def _family_preset(overrides: list[str]) -> list[str]:
    """The override that chooses the task family's preset, if one is needed."""
    parsed = parse(overrides)
    task = next(reversed(_chosen(parsed, "task")), "")
    family = task.partition("/")[0]
    if _chosen(parsed, "preset") or family not in FAMILY_PRESETS:
        return []
    return [f"preset={FAMILY_PRESETS[family]}"]


def describe(config: Config) -> str:
    """Every setting as YAML, also those that :func:`to_dict` leaves out."""
    return yaml.safe_dump(asdict(config), sort_keys=False)


def _check_override(override: Override) -> None:
    key, text = override.key_or_group, override.input_line
    if override.is_sweep_override():
        raise UserError(f"{text} names several values: use `gpae train -m` to sweep")
    if key in (*_GROUPS, "task.name") and override.type is not OverrideType.CHANGE:
        group = key.partition(".")[0]
        raise UserError(f"{text}: every run has one {group}, chosen as {group}=NAME")
    if override.type is OverrideType.CHANGE and not holds_mapping(override):
        _check_group(key, str(override.value()))


def _refuse_added(config: Config, overrides: list[str]) -> None:
    """Refuse keys that ``+key=value`` has added and no schema knows; tasks check their own."""
    sections = {"": config} | {
        f"{name}.": value for name, value in vars(config).items() if is_dataclass(value)
    }
    for prefix, section in sections.items():
        known = {each.name for each in fields(section)}
        for name in vars(section).keys() - known:
            raise UserError(_unknown_setting(f"{prefix}{name}", overrides))


def _check_group(key: str, value: str) -> None:
    if key == "task":
        find_task(value)
    elif key == "method" and value not in METHODS:
        hint = did_you_mean(value, METHODS)
        raise UserError(f"no method {value!r}{hint}; `gpae methods` lists them all")
    elif key == "preset" and value not in PRESETS:
        hint = did_you_mean(value, PRESETS)
        raise UserError(f"no preset {value!r}{hint}; there are {', '.join(PRESETS)}")


def _chosen(overrides: Iterable[Override], group: str) -> list[str]:
    """The members of a group that overrides choose; a mapping sets its settings instead."""
    return [
        str(each.value())
        for each in overrides
        if each.key_or_group == group and not holds_mapping(each)
    ]


def register_groups(tasks: Iterable[Task]) -> None:
    """Make the schema, the methods registered so far and some tasks known to Hydra."""
    store = ConfigStore.instance()
    store.store(name="schema", node=Config)
    for name, method in METHODS.registered().items():
        store.store(group="method_schema", name=name, node=method)
        node = {"defaults": [{"/method_schema@method": name}], **_nested(method.defaults)}
        store.store(group="method", name=name, node=node, package="_global_")
    for task in tasks:
        settings = {} if task.settings is None else asdict(task.settings())
        node = {"name": task.name, **settings}
        for name in (task.name, *task.aliases):
            family, _, short = name.rpartition("/")
            store.store(group=f"task/{family}".rstrip("/"), name=short, node=node, package="task")


def _nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by dotted name as a tree."""
    tree: dict[str, Any] = {}
    for dotted, value in values.items():
        *groups, field = dotted.split(".")
        node = tree
        for group in groups:
            node = node.setdefault(group, {})
        node[field] = value
    return tree


def _composed(overrides: list[str]) -> DictConfig:
    with initialize_config_module("gpae.config", version_base="1.3"):
        return hydra_compose("config", [_admitted(override) for override in overrides])


def _admitted(override: str) -> str:
    """An override of an environment's own arguments, which no schema names, as an addition."""
    return f"++{override}" if override.startswith("task.arguments.") else override


def _one_line(error: Exception, overrides: list[str]) -> str:
    """A message of Hydra or OmegaConf as one line, with names this project uses."""
    if match := re.match(r"Could not override '([\w.@/]+)'", str(error)):
        inside = re.search(r"full_key: (\S+)", str(error.__cause__))
        return _unknown_setting((inside or match)[1], overrides)
    causes: list[BaseException] = [error]
    while causes[-1].__cause__ is not None:
        causes.append(causes[-1].__cause__)
    lines = dict.fromkeys(str(cause).strip().splitlines()[0] for cause in causes)
    return ": ".join(lines)


def _unknown_setting(name: str, overrides: list[str]) -> str:
    group, _, setting = name.partition(".")
    owners = [each for each in METHODS if setting in {one.name for one in fields(METHODS[each])}]
    if group == "method" and owners:
        method = _settable(overrides)["method"]["name"]
        return (
            f"{name} has no meaning with method={method}: leave it out (it belongs to "
            f"{', '.join(owners)}; in a sweep over methods write method.{owners[0]}.{setting})"
        )
    hint = _closest_settings(name, overrides)
    return f"no setting {name!r}{hint}; `gpae train --cfg` prints them all"


def _closest_settings(name: str, overrides: list[str]) -> str:
    """The settings that look like a name, or else the one that ends like it."""
    known = [*_dotted(_settable(overrides)), *_GROUPS]
    by_field = {dotted.rpartition(".")[2]: dotted for dotted in known}
    field = by_field.get(name.rpartition(".")[2])
    return did_you_mean(name, known) or (f" (did you mean {field}?)" if field else "")


def _settable(overrides: list[str]) -> dict[str, Any]:
    """A configuration to look for names in: that of the task, method and preset asked for."""
    chosen = [
        text
        for text, override in zip(overrides, parse(overrides), strict=True)
        if override.key_or_group in _GROUPS
        and override.package is None
        and not holds_mapping(override)
    ]
    values: Any = OmegaConf.to_container(_composed(chosen))
    return values


def _dotted(values: dict[str, Any]) -> list[str]:
    return list(_flat(values))


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree of values by dotted name."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat
