"""Settings of older runs under their present names, without those that are gone."""

from collections.abc import Mapping
from typing import Any

_RENAMED = {("method", "traces"): "trace_scheme", ("network", "kind"): "core"}
"""Present name of a setting by its group and former name."""

_RENAMED_VALUES = {
    ("network", "kind", "recurrent"): "gru",
    ("method", "own_slot", "probabilities"): "policy",
}
"""Present value of a setting by its group, former name and former value."""

_GONE = {
    "bootstrap": ("mappo", "ippo", "dae"),
    "bootstrap_limit": ("mappo", "ippo", "dae"),
}
"""Methods that once had a setting, which never made a difference to them, by its name."""


def with_present_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a run's configuration the names they have now.

    Args:
        config: A resolved configuration as a run folder holds it, of this version or an older one.

    Returns:
        The same settings in the same order; a setting that has its present name keeps its value,
        and those that a method no longer has are left out.
    """
    return {group: _renamed(group, settings) for group, settings in config.items()}


def _renamed(group: str, settings: Any) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    names = {name: _RENAMED.get((group, name), name) for name in settings}
    kept = [name for name, now in names.items() if now == name or now not in settings]
    if group == "method":
        kept = [name for name in kept if settings.get("name") not in _GONE.get(name, ())]
    return {names[name]: _present_value(group, name, settings[name]) for name in kept}


def _present_value(group: str, name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _RENAMED_VALUES.get((group, name, value), value)
