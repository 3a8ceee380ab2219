"""A run's credit as a table, JSON, arrays and a plot."""

import io
import json
import textwrap
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from rich.console import Console
from rich.table import Column, Table

from gpae.credit.comparison import Row
from gpae.runs.credit import CreditReport
from gpae.runs.files import disk_errors, write_atomically

COLUMNS = {
    "rank_correlation": "rank\ncorr.",
    "rank_correlation_of_mean": "of\nmean",
    "sign_agreement": "sign\nagr.",
    "scaled_error": "scaled\nerror",
    "squared_bias": "bias\n^2",
    "variance": "var.",
    "share_between_agents": "betw.\nagents",
    "gradient_variance_ratio": "grad.\nvar.",
    "gradient_signal_ratio": "grad.\nsignal",
}
"""Columns of the table: statistics, and their headings."""

MOST_COLUMNS = 4
"""Panels beside each other in the plot."""


def show_credit(report: CreditReport, console: Console) -> None:
    """Print a table of all estimators, and of the steps with forced actions, and a summary."""
    console.print(_table("estimator", report.rows))
    if report.forced:
        console.print(_table("at forced actions", report.forced))
    truth = report.rows["truth"]
    for text in (
        "bias and variance in units of the true advantages' variance, "
        f"{truth['variance']:.3g}, of which noise {truth['noise']:.3g}",
        "the gradient's variance and signal over those by mappo's estimator, where it is there",
        f"{truth['pairs']:.0f} pairs of a state and an acting agent, update {report.update}, "
        f"{report.truth.cut_off:.2%} of the episodes cut off",
        *(_of_critic(report, name) for name in report.calibration),
        "seconds: " + ", ".join(f"{name} {each:.0f}" for name, each in report.seconds.items()),
    ):
        console.print(text, soft_wrap=True)


def _of_critic(report: CreditReport, name: str) -> str:
    line = report.calibration[name]
    steps = report.gradient_steps.get(name)
    return (
        f"critic {name}: slope {line['slope']:.3f}, intercept {line['intercept']:.3f}, "
        f"R^2 {line['r_squared']:.3f}" + (f", {steps} gradient steps" if steps else "")
    )


def _table(title: str, rows: dict[str, Row]) -> Table:
    present = {key for row in rows.values() for key in row}
    columns = {key: heading for key, heading in COLUMNS.items() if key in present}
    table = table_of(title, columns.values())
    for name, row in rows.items():
        cells = (f"{row[key]:.3f}" if key in row and name != "truth" else "" for key in columns)
        if name == "truth":
            share = f"{row['share_between_agents']:.3f}"
            cells = (share if key == "share_between_agents" else "" for key in columns)
        table.add_row(name, *cells)
    return table


def table_of(title: str, headings: Iterable[str]) -> Table:
    """An empty table with a name and numbers in each row; long names take several lines.

    Args:
        title: The heading of the names.
        headings: Those of the numbers.
    """
    numbers = (Column(heading, no_wrap=True, justify="right") for heading in headings)
    return Table(Column(title, overflow="fold"), *numbers, box=None, padding=(0, 1, 0, 0))


def save_credit(report: CreditReport, folder: Path) -> list[Path]:
    """Write ``credit.json``, ``credit.npz`` and ``credit.png``; returns their paths.

    Args:
        report: The measurement.
        folder: Made if missing.
    """
    with disk_errors(f"write to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        summary = json.dumps(report.summary(), indent=1, allow_nan=False) + "\n"
        write_atomically(folder / "credit.json", summary.encode())
        arrays = io.BytesIO()
        np.savez_compressed(arrays, **report.arrays())  # type: ignore[arg-type]
        write_atomically(folder / "credit.npz", arrays.getvalue())
        figure = _figure(report)
        FigureCanvasAgg(figure)
        figure.savefig(folder / "credit.png", dpi=120, metadata={"Software": None})
    return [folder / f"credit.{ending}" for ending in ("json", "npz", "png")]


def _figure(report: CreditReport) -> Figure:
    """Each estimator's mean advantage over the true one, a panel an estimator."""
    advantages = report.advantages
    columns = min(len(advantages), MOST_COLUMNS)
    rows = -(-len(advantages) // columns)
    figure = Figure(figsize=(3.2 * columns + 0.6, 3.4 * rows), layout="constrained")
    truth, acting = report.truth.advantages, report.truth.acting
    for place, name in enumerate(advantages, start=1):
        axes = figure.add_subplot(rows, columns, place)
        axes.errorbar(
            truth.mean[acting],
            advantages[name].mean(1)[acting],
            xerr=truth.standard_error[acting],
            fmt=".",
            alpha=0.5,
        )
        axes.axline((0, 0), slope=1, color="black", linewidth=1)
        axes.set_title(textwrap.fill(name, 34), fontsize="small")
        axes.set_xlabel("true advantage (return)")
    figure.axes[0].set_ylabel("mean estimate (return)")
    return figure
