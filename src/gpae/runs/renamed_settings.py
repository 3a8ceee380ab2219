"""Settings of older runs under their former names."""

from collections.abc import Mapping
from typing import Any

_RENAMED = {("method", "traces"): "trace_scheme", ("network", "kind"): "core"}
"""Present name of a setting by its group and former name."""

_RENAMED_VALUES = {
    ("network", "kind", "recurrent"): "gru",
    ("method", "own_slot", "probabilities"): "policy",
}
"""Present value of a setting by its group, former name and former value."""

_NEVER_USED = {method: {"bootstrap", "bootstrap_limit"} for method in ("mappo", "ippo", "dae")}
"""Settings of a method that older runs state, though it had no use for them."""


def with_present_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings of a run's configuration the names they have now.

    Args:
        config: A resolved configuration as a run folder holds it, of this version or an older one.

    Returns:
        The same settings in the same order; a setting that has its present name keeps its value,
        and one that the method never used is left out.
    """
    return {group: _renamed(group, settings) for group, settings in config.items()}


def _renamed(group: str, settings: Any) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    unused = _NEVER_USED.get(str(settings.get("name")), set()) if group == "method" else set()
    present = {}
    for name, value in settings.items():
        now = _RENAMED.get((group, name), name)
        former = now != name and now in settings
        if not former and name not in unused:
            present[now] = _present_value(group, name, value)
    return present


def _present_value(group: str, name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return _RENAMED_VALUES.get((group, name, value), value)
