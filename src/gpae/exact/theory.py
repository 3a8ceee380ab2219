"""``gpae theory``: the exact lab's tables, printed, saved as JSON and drawn."""

import dataclasses
import json
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

import gpae
from gpae.exact.plots import plot_theory
from gpae.exact.tables import (
    OperatorRow,
    Settings,
    VarianceRow,
    WeightRow,
    operator_table,
    variance_table,
    weight_table,
)
from gpae.exact.variance import BASELINES

POLICY_SHIFTS = (0.1, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class TheoryReport:
    """Everything ``gpae theory`` computes.

    Attributes:
        settings: what it was computed on.
        operators: scheme x bootstrap, at the settings' policy shift.
        shifts: the same rows for each of ``POLICY_SHIFTS``.
        variances: team size x baseline.
        weights: team size x cap of the corrected bootstrap's weight.
    """

    settings: Settings
    operators: list[OperatorRow]
    shifts: list[OperatorRow]
    variances: list[VarianceRow]
    weights: list[WeightRow]


def compute_theory(settings: Settings) -> TheoryReport:
    """Compute every table.

    Args:
        settings: what to compute on.
    """
    shifted = [dataclasses.replace(settings, policy_shift=shift) for shift in POLICY_SHIFTS]
    return TheoryReport(
        settings=settings,
        operators=operator_table(settings),
        shifts=[row for each in shifted for row in operator_table(each)],
        variances=variance_table(settings),
        weights=weight_table(settings),
    )


def run(console: Console, output: Path | None, seed: int) -> None:
    """Print the tables; with ``output``, also write ``theory.json`` and the plots there.

    Args:
        console: where to print.
        output: a directory, made if missing; None to print alone.
        seed: of the random games.
    """
    report = compute_theory(Settings(seed=seed))
    print_theory(console, report)
    if output is None:
        return
    for path in (save_theory(report, output), *plot_theory(report, output)):
        console.print(f"wrote {path}", highlight=False, soft_wrap=True)


def print_theory(console: Console, report: TheoryReport) -> None:
    """Print each table with one line saying what its numbers are.

    Args:
        console: where to print.
        report: from :func:`compute_theory`.
    """
    settings = report.settings
    console.print(
        f"{settings.num_games} random games ({settings.num_variance_games} for the variances), "
        f"{settings.num_states} states, {settings.num_actions} actions, gamma {settings.discount}, "
        f"lambda {settings.lambda_}, eta {settings.eta}, policy shift {settings.policy_shift}, "
        f"seed {settings.seed}; rewards are standard normal",
        highlight=False,
    )
    console.print(_render_operators(report))
    for lambda_ in (None, 0.0, settings.lambda_):
        console.print(_render_variances(report, lambda_))
    console.print(_render_weights(report))


def save_theory(report: TheoryReport, directory: Path) -> Path:
    """Write ``theory.json``: settings, versions and every row; returns its path.

    Args:
        report: from :func:`compute_theory`.
        directory: made if missing.
    """
    directory.mkdir(parents=True, exist_ok=True)
    versions = {
        "gpae": gpae.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
    }
    command = f"gpae theory --seed {report.settings.seed}"
    content = {"command": command, "versions": versions, **dataclasses.asdict(report)}
    path = directory / "theory.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def _render_operators(report: TheoryReport) -> Table:
    table = Table(
        title=f"Operator by trace scheme and bootstrap, N = {report.settings.num_agents}",
        caption="Errors: largest over (s, a), mean over games and agents; "
        f"the largest true advantage averages {report.operators[0].advantage_scale:.2f}. "
        "Modulus (maximum norm) and radius: worst game and agent.",
    )
    table.add_column("bootstrap")
    table.add_column("traces")
    for name in ("EQ error", "EQ error\nvs (π^i,μ^-i)", "A error", "A error\nat true EQ"):
        table.add_column(name, justify="right")
    table.add_column("modulus", justify="right")
    table.add_column("radius", justify="right")
    for before, row in zip([None, *report.operators], report.operators, strict=False):
        if before is not None and before.bootstrap != row.bootstrap:
            table.add_section()
        numbers = (
            row.fixed_point_error,
            row.mixed_policy_error,
            row.advantage_error,
            row.advantage_error_at_values,
            row.modulus,
            row.radius,
        )
        table.add_row(row.bootstrap, row.scheme, *map(_format, numbers))
    return table


def _render_variances(report: TheoryReport, lambda_: float | None) -> Table:
    estimate = "exact Q - b" if lambda_ is None else f"sampled, lambda = {lambda_:g}"
    table = Table(title=f"Variance of one agent's policy gradient per sample: {estimate}")
    rows = [row for row in report.variances if row.lambda_ == lambda_]
    structures = list(dict.fromkeys(row.rewards for row in rows))
    table.add_column("N", justify="right")
    for structure in structures:
        for name in ("none", "V", "EQ^i", "V / EQ^i"):
            table.add_column(f"{structure}\n{name}", justify="right")
    for num_agents in sorted({row.num_agents for row in rows}):
        cells = []
        for structure in structures:
            found = {
                row.baseline: row
                for row in rows
                if (row.rewards, row.num_agents) == (structure, num_agents)
            }
            cells += [_format(found[baseline].variance) for baseline in BASELINES]
            cells.append(f"{found['state'].ratio:.2f}")
        table.add_row(str(num_agents), *cells)
    return table


def _render_weights(report: TheoryReport) -> Table:
    table = Table(title="The corrected bootstrap's weight min(cap, rho^-i): variance, EQ error")
    caps = list(dict.fromkeys(row.cap for row in report.weights))
    table.add_column("N", justify="right")
    for cap in caps:
        name = "no cap" if cap is None else f"cap {cap:g}"
        table.add_column(f"{name}\nvariance", justify="right")
        table.add_column(f"{name}\nEQ error", justify="right")
    for num_agents in sorted({row.num_agents for row in report.weights}):
        found = {row.cap: row for row in report.weights if row.num_agents == num_agents}
        cells = [
            _format(value)
            for cap in caps
            for value in (found[cap].weight_variance, found[cap].fixed_point_error)
        ]
        table.add_row(str(num_agents), *cells)
    return table


def _format(value: float) -> str:
    """Three decimals; exact up to rounding error reads 0."""
    return "0" if abs(value) < 1e-9 else f"{value:.3f}"
