"""Every setting by name, with its default and the description in its class.

``python -m gpae.config.reference > docs/settings.md`` writes the page of the documentation.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from docstring_parser import DocstringStyle, parse
from rich.console import Console
from rich.table import Column, Table

from gpae.config.compose import compose
from gpae.errors import UserError
from gpae.methods import METHODS

_TASK = "task=smax/3m"
_METHOD = "method=mappo"
_APART = ("task", "method")

_PAGE = """\
# Settings

All settings of `gpae train`, as `gpae settings [FILTER]` prints them too. They are set as
`name=value`; `gpae train --cfg` prints the values of a whole configuration.

Defaults are those of `method=mappo` with the preset `jaxmarl`. The presets `release` and `mabrax`
have [others](training.md#presets), `gpae` has `window.length=4`, and the
[Q-learning](q_learning.md) methods have theirs and refuse what does not apply to them. A task has
settings of its own, `task.NAME`: [environments](environments.md).

"""


@dataclass(frozen=True)
class Setting:
    """A setting.

    Attributes:
        name: Its dotted name, such as ``window.length``.
        default: Its value unless set.
        meaning: Its description.
        methods: The methods that have it with this default; empty for a setting of no method.
    """

    name: str
    default: str
    meaning: str
    methods: tuple[str, ...] = ()


def all_settings() -> list[Setting]:
    """Every setting there is but the tasks' own; a method's setting once for each default."""
    return [*_of_runs(compose([_TASK, _METHOD])), *_of_methods()]


def show_settings(console: Console, wanted: str = "") -> None:
    """Print the settings whose names contain a text.

    Raises:
        UserError: None does.
    """
    chosen = [setting for setting in all_settings() if wanted in setting.name]
    if not chosen:
        raise UserError(f"no setting's name contains {wanted!r}; `gpae settings` lists them all")
    name = Column("setting", no_wrap=True)
    table = Table(name, "methods", "default", "what it is", box=None, pad_edge=False)
    for setting in chosen:
        row = (setting.name, " ".join(setting.methods), setting.default, setting.meaning)
        table.add_row(*(cell.replace("``", "") for cell in row))
    console.print(table)


def page() -> str:
    """The settings as a page of Markdown."""
    settings = all_settings()
    of_methods = [setting for setting in settings if setting.methods]
    others = [setting for setting in settings if not setting.methods]
    lines = ["| setting | default | what it is |", "| --- | --- | --- |"]
    lines += [f"| `{each.name}` | `{each.default}` | {_code(each.meaning)} |" for each in others]
    lines += ["", "## Of methods", ""]
    lines += ["| setting | methods | default | what it is |", "| --- | --- | --- | --- |"]
    lines += [
        f"| `{each.name}` | {', '.join(each.methods)} | `{each.default}` | {_code(each.meaning)} |"
        for each in of_methods
    ]
    return _PAGE + "\n".join(lines) + "\n"


def _of_runs(settings: Any, prefix: str = "") -> Iterator[Setting]:
    """The settings of a configuration, those of its parts after its own."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    meanings = _meanings(type(settings))
    for name, value in sorted(values.items(), key=lambda item: is_dataclass(item[1])):
        if not prefix and name in _APART:
            continue
        if is_dataclass(value):
            yield from _of_runs(value, f"{name}.")
        else:
            yield Setting(f"{prefix}{name}", _shown(value), meanings[name])


def _of_methods() -> list[Setting]:
    owners: dict[tuple[str, str, str], list[str]] = {}
    for method in METHODS:
        settings = compose([_TASK, f"method={method}"]).method
        meanings = _meanings(type(settings))
        for field in fields(settings):
            if field.name != "name":
                default = _shown(getattr(settings, field.name))
                key = (f"method.{field.name}", default, meanings[field.name])
                owners.setdefault(key, []).append(method)
    order = list(dict.fromkeys(name for name, *_ in owners))
    return [
        Setting(*key, methods=tuple(methods))
        for key, methods in sorted(owners.items(), key=lambda item: order.index(item[0][0]))
    ]


def _meanings(kind: type) -> dict[str, str]:
    """The descriptions of attributes in the docstrings of a class and of those it inherits from."""
    found: dict[str, str] = {}
    for base in reversed(kind.__mro__):
        for part in parse(base.__doc__ or "", DocstringStyle.GOOGLE).params:
            if part.args[0] == "attribute":
                found[part.arg_name] = " ".join((part.description or "").split())
    return found


def _shown(value: Any) -> str:
    """A value as it would be set."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:g}"
        case _:
            return str(value)


def _code(text: str) -> str:
    return text.replace("``", "`").replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
