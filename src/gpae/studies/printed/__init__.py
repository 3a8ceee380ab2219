"""Numbers as the paper prints them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import yaml


@dataclass(frozen=True)
class Printed:
    """A table of the paper.

    Attributes:
        source: Its place in the paper, such as ``Table 2``.
        values: Mean and, where it is printed, standard deviation, by measure, task and row.
    """

    source: str
    values: Mapping[str, Mapping[str, Mapping[str, tuple[float, ...]]]]

    def value(self, measure: str, task: str, row: str) -> tuple[float, ...] | None:
        """Mean and deviation of a cell; None where the paper prints none."""
        return self.values.get(measure, {}).get(task, {}).get(row)


NOTHING = Printed("", {})
"""Of a figure, which prints no numbers."""


@cache
def printed_numbers(name: str | None) -> Printed:
    """The numbers of a table by the file's name, such as ``table2``; nothing for None."""
    if name is None:
        return NOTHING
    text = (files(__name__) / f"{name}.yaml").read_text(encoding="utf-8")
    loaded = yaml.safe_load(text)
    values = {
        measure: {
            task: {row: tuple(each) for row, each in rows.items()} for task, rows in tasks.items()
        }
        for measure, tasks in loaded["values"].items()
    }
    return Printed(loaded["source"], values)
