"""A run's credit as a table, JSON and a plot."""

import json
from pathlib import Path

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
    "squared_bias": "squared\nbias",
    "variance": "variance",
    "share_between_agents": "between\nagents",
}
"""Columns of the table: statistics, and their headings."""


def show_credit(report: CreditReport, console: Console) -> None:
    """Print a table of all estimators, and of the steps with forced actions, and a summary."""
    console.print(_table("estimator", report.rows))
    if report.forced:
        console.print(_table("at forced actions", report.forced))
    truth, line = report.rows["truth"], report.calibration
    for text in (
        "bias and variance in units of the true advantages' variance, "
        f"{truth['variance']:.3g}, of which noise {truth['noise']:.3g}",
        f"{truth['pairs']:.0f} pairs of a state and an acting agent, update {report.update}, "
        f"{report.truth.cut_off:.2%} of the episodes cut off",
        f"critic: slope {line['slope']:.3f}, intercept {line['intercept']:.3f}, "
        f"R^2 {line['r_squared']:.3f}",
        "seconds: " + ", ".join(f"{name} {each:.0f}" for name, each in report.seconds.items()),
    ):
        console.print(text, soft_wrap=True)


def _table(title: str, rows: dict[str, Row]) -> Table:
    table = Table(Column(title, no_wrap=True), *COLUMNS.values(), box=None)
    for name, row in rows.items():
        shown = COLUMNS if name != "truth" else {"share_between_agents": ""}
        table.add_row(name, *(f"{row[key]:.3f}" if key in shown else "" for key in COLUMNS))
    return table


def save_credit(report: CreditReport, folder: Path) -> list[Path]:
    """Write ``credit.json`` and ``credit.png``; returns their paths.

    Args:
        report: The measurement.
        folder: Made if missing.
    """
    with disk_errors(f"write to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        summary = json.dumps(report.summary(), indent=1, allow_nan=False) + "\n"
        write_atomically(folder / "credit.json", summary.encode())
        figure = _figure(report)
        FigureCanvasAgg(figure)
        figure.savefig(folder / "credit.png", dpi=120, metadata={"Software": None})
    return [folder / "credit.json", folder / "credit.png"]


def _figure(report: CreditReport) -> Figure:
    """Each estimator's mean advantage over the true one, a panel an estimator."""
    names = list(report.samples.advantages)
    figure = Figure(figsize=(3.2 * len(names) + 0.6, 3.4), layout="constrained")
    truth, acting = report.truth.advantages, report.truth.acting
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), place)
        axes.errorbar(
            truth.mean[acting],
            report.samples.advantages[name].mean(1)[acting],
            xerr=truth.standard_error[acting],
            fmt=".",
            alpha=0.5,
        )
        axes.axline((0, 0), slope=1, color="black", linewidth=1)
        axes.set_title(name)
        axes.set_xlabel("true advantage (return)")
    figure.axes[0].set_ylabel("mean estimate (return)")
    return figure
