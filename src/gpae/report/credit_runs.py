"""The credit of several runs: means over them, with intervals."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from scipy import stats

from gpae.report.credit import COLUMNS, table_of
from gpae.runs.credit import CreditReport
from gpae.runs.files import disk_errors, write_atomically
from gpae.runs.folder import RunFolder

Interval = dict[str, float]
"""A mean over runs and the ends of its interval, by name."""


def names_of(folders: Sequence[RunFolder]) -> list[str]:
    """A name for each run: its folder's, with a number where two have the same."""
    names = [folder.path.resolve().name for folder in folders]
    counts = Counter(names)
    return [
        f"{name}-{place}" if counts[name] > 1 else name for place, name in enumerate(names, start=1)
    ]


def over_runs(reports: Mapping[str, CreditReport]) -> dict[str, dict[str, Interval]]:
    """Mean of each statistic over runs, with Student's 95 % interval, by estimator.

    Args:
        reports: At least two runs' by name; estimators that one lacks are left out, and statistics
            without a number in one.
    """
    tables = [report.rows for report in reports.values()]
    shared = [name for name in tables[0] if all(name in rows for rows in tables)]
    found: dict[str, dict[str, Interval]] = {}
    for name in shared:
        values = {
            key: np.array([rows[name].get(key, np.nan) for rows in tables])
            for key in tables[0][name]
        }
        found[name] = {
            key: _interval(each) for key, each in values.items() if np.isfinite(each).all()
        }
    return found


def _interval(values: np.ndarray) -> Interval:
    mean = float(values.mean())
    width = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return {"mean": mean, "low": mean - width, "high": mean + width}


def show_over_runs(reports: Mapping[str, CreditReport], console: Console) -> None:
    """Print each estimator's means, and half the width of their intervals."""
    summary = over_runs(reports)
    table = table_of(f"mean of {len(reports)} runs", COLUMNS.values())
    for name, row in summary.items():
        if name != "truth":
            table.add_row(name, *(_cell(row.get(key)) for key in COLUMNS))
    console.print(table)
    console.print("± half a 95 % interval over runs, Student's", soft_wrap=True)


def _cell(interval: Interval | None) -> str:
    if interval is None:
        return ""
    return f"{interval['mean']:.3f}\n±{(interval['high'] - interval['low']) / 2:.3f}"


def save_over_runs(reports: Mapping[str, CreditReport], folder: Path) -> Path:
    """Write ``credit_runs.json``; returns its path.

    Args:
        reports: The runs' by name.
        folder: Made if missing.
    """
    path = folder / "credit_runs.json"
    content = {"runs": list(reports), "estimators": over_runs(reports)}
    with disk_errors(f"write to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, indent=1, allow_nan=False) + "\n"
        write_atomically(path, text.encode())
    return path
