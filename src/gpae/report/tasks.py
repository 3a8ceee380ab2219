"""Tasks as runs played them: a name, and all that decides what an evaluation measures."""

from collections.abc import Mapping, Sequence
from typing import Any

from gpae.runs.folder import RunFolder

_SUPPLIERS = {"mabrax": "brax", "jaxmarl": "jaxmarl", "jumanji": "jumanji"}
"""The package that a family's rules come from; SMAX's are a setting."""

PlayedTask = Mapping[str, Any]
"""The task's ``name``, its settings, and the version of its rules."""


def played_task(run: RunFolder) -> PlayedTask:
    """A run's task, as its configuration and versions describe it."""
    return played_task_of(run.config, run.versions())


def played_task_of(config: Mapping[str, Any], versions: Mapping[str, Any]) -> PlayedTask:
    """The task of a run with a configuration and versions.

    Runs of before SMAX's rules became a setting have them in their versions. A family that another
    package supplies is told apart by that package's version, such as ``brax`` 0.14.
    """
    settings = config.get("task")
    task = dict(settings) if isinstance(settings, Mapping) else {"name": settings}
    family = str(task.get("name")).partition("/")[0]
    if family == "smax":
        task.setdefault("rules", versions.get("smax_rules"))
    if supplier := _SUPPLIERS.get(family):
        task[supplier] = ".".join(str(versions.get(supplier)).split(".")[:2])
    return task


def task_labels(tasks: Sequence[PlayedTask]) -> list[str]:
    """Label of each task: its name, and the settings in which it differs from others of that name.

    Args:
        tasks: One for each run.

    Returns:
        One label for each, such as ``smax/3m (rules=0.1)``; runs of different tasks have different
        ones.
    """
    alike: dict[Any, list[PlayedTask]] = {}
    for task in tasks:
        alike.setdefault(task.get("name"), []).append(task)
    differing = {
        name: {setting for setting in set().union(*namesakes) if differs(setting, namesakes)}
        for name, namesakes in alike.items()
    }
    labels = []
    for task in tasks:
        name = task.get("name")
        details = [described(each, task[each]) for each in task if each in differing[name]]
        labels.append(f"{name}" + (f" ({', '.join(details)})" if details else ""))
    return labels


def differs(name: str, settings: Sequence[Mapping[str, Any]]) -> bool:
    """True if a setting has two values, or some lack it; 1, 1.0 and ``"1"`` are one value."""
    return len({_comparable(values.get(name, "absent")) for values in settings}) > 1


def described(name: str, value: Any) -> str:
    """A setting and its value, equal ones by the same text."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{name}={value:.12g}" if number else f"{name}={value}"


def _comparable(value: Any) -> str:
    if isinstance(value, bool):
        return str(value)
    try:
        return repr(float(value))
    except (TypeError, ValueError):
        return str(value)
