"""Comma-separated values, for spreadsheets, in the run's folder."""

import csv
from collections.abc import Mapping
from pathlib import Path

from gpae.loggers.logger import LoggedRun, Logger, register_logger

_STEPS = "env_steps"


@register_logger("csv")
class Csv(Logger):
    """Files with a row an update, ``metrics.csv``, and a row an evaluation, ``evaluations.csv``.

    A column is added when its tag is first seen; ``results.csv`` has the final results.
    """

    forgets = True

    def __init__(self, run: LoggedRun) -> None:
        super().__init__(run)
        self._metrics = _Table(run.folder / "metrics.csv", run.resume_step)
        self._evaluations = _Table(run.folder / "evaluations.csv", run.resume_step)

    def metrics(self, values: Mapping[str, float], env_steps: int) -> None:
        """Add a row to ``metrics.csv``."""
        self._metrics.append({_STEPS: env_steps, **values})

    def evaluation(self, values: Mapping[str, float], env_steps: int) -> None:
        """Add a row to ``evaluations.csv``."""
        self._evaluations.append({_STEPS: env_steps, **values})

    def results(self, values: Mapping[str, float]) -> None:
        """Write ``results.csv``, a row a result."""
        rows = [{"result": name, "value": value} for name, value in values.items()]
        _write(self.run.folder / "results.csv", ["result", "value"], rows)


class _Table:
    """A file whose columns may become more.

    Args:
        path: The file.
        resume_step: Rows from this environment step on are dropped; all where None.
    """

    def __init__(self, path: Path, resume_step: int | None) -> None:
        self._path = path
        self._columns, rows = _read(path)
        kept = [row for row in rows if resume_step and float(row[_STEPS]) < resume_step]
        if len(kept) < len(rows):
            _write(path, self._columns, kept)

    def append(self, row: Mapping[str, float]) -> None:
        """Add a row, after the columns that it is the first to have."""
        new = [name for name in row if name not in self._columns]
        if new:
            self._columns += new
            _write(self._path, self._columns, _read(self._path)[1])
        with self._path.open("a", newline="", encoding="utf-8") as stream:
            csv.DictWriter(stream, self._columns, lineterminator="\n").writerow(row)


def _read(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """The columns and rows of a file, none of an absent one."""
    if not path.exists():
        return [], []
    with path.open(newline="", encoding="utf-8") as stream:
        reader = csv.DictReader(stream)
        return list(reader.fieldnames or ()), list(reader)


def _write(path: Path, columns: list[str], rows: list[dict]) -> None:
    """Write or replace a file in one step."""
    temporary = path.with_name(f"{path.name}.partial")
    with temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    temporary.replace(path)
