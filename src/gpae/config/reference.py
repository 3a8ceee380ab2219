"""Every setting by name, with its default, its valid values and its description.

``python -m gpae.config.reference > docs/settings.md`` writes the page of the documentation.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from docstring_parser import DocstringStyle, parse
from rich.console import Console
from rich.table import Column, Table

from gpae.config.compose import compose
from gpae.config.preset_files import PRESETS, evidence
from gpae.errors import UserError
from gpae.fields import described_values
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

_PRESETS = """\
`preset=NAME` changes the defaults. Without one, the task's family decides between `jaxmarl` and
`mabrax`. A preset with a task's name holds what runs of our own found for that task; it is never
chosen by itself, and fits other tasks only by chance."""


@dataclass(frozen=True)
class Setting:
    """A setting.

    Attributes:
        name: Its dotted name, such as ``window.length``.
        default: Its value unless set.
        values: Its valid values in words; empty for any.
        meaning: Its description.
        methods: The methods that have it with this default; empty for a setting of no method.
    """

    name: str
    default: str
    values: str
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
    columns = ("methods", "default", "valid values", "what it is")
    table = Table(name, *columns, box=None, pad_edge=False)
    for setting in chosen:
        methods = " ".join(setting.methods)
        row = (setting.name, methods, setting.default, setting.values, setting.meaning)
        table.add_row(*(cell.replace("``", "") for cell in row))
    console.print(table)


def page() -> str:
    """The settings as a page of Markdown."""
    settings = all_settings()
    of_runs = [_cells(each) for each in settings if not each.methods]
    of_methods = [
        (name, ", ".join(each.methods), *rest)
        for each in settings
        if each.methods
        for name, *rest in [_cells(each)]
    ]
    columns = ("default", "valid values", "what it is")
    lines = _table(("setting", *columns), of_runs)
    lines += ["", "## Of methods", ""]
    lines += _table(("setting", "methods", *columns), of_methods)
    lines += ["", "## Presets", "", _PRESETS, ""]
    lines += _table(("preset", "evidence"), [(f"`{name}`", evidence(name)) for name in PRESETS])
    return _PAGE + "\n".join(lines) + "\n"


def _cells(setting: Setting) -> tuple[str, ...]:
    name, default = f"`{setting.name}`", f"`{setting.default}`"
    return name, default, setting.values, _code(setting.meaning)


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    lines = [columns, ["---"] * len(columns), *rows]
    return [f"| {' | '.join(cells)} |" for cells in lines]


def _of_runs(settings: Any, prefix: str = "") -> Iterator[Setting]:
    """The settings of a configuration, those of its parts after its own."""
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    kinds = {field.name: field for field in fields(settings)}
    meanings = _meanings(type(settings))
    for name, value in sorted(values.items(), key=lambda item: is_dataclass(item[1])):
        if not prefix and name in _APART:
            continue
        if is_dataclass(value):
            yield from _of_runs(value, f"{name}.")
        else:
            yield Setting(f"{prefix}{name}", _shown(value), _values(kinds[name]), meanings[name])


def _of_methods() -> list[Setting]:
    owners: dict[tuple[str, str, str, str], list[str]] = {}
    for method in METHODS:
        settings = compose([_TASK, f"method={method}"]).method
        meanings = _meanings(type(settings))
        for field in fields(settings):
            if field.name != "name":
                default = _shown(getattr(settings, field.name))
                meaning = meanings[field.name]
                key = (f"method.{field.name}", default, _values(field), meaning)
                owners.setdefault(key, []).append(method)
    order = list(dict.fromkeys(name for name, *_ in owners))
    return [
        Setting(*key, tuple(methods))
        for key, methods in sorted(owners.items(), key=lambda item: order.index(item[0][0]))
    ]


def _values(field: Any) -> str:
    return "true or false" if isinstance(field.default, bool) else described_values(field)


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
