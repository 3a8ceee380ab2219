"""``gpae theory``: the exact lab's tables, printed, saved as JSON and drawn."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from gpae.exact.control_variate_tables import ESTIMATORS
from gpae.exact.plots import plot_theory
from gpae.exact.report import TheoryReport, compute_theory, save_theory
from gpae.exact.tables import Settings
from gpae.exact.variance import BASELINES

_RATES = {"modulus": "modulus", "radius": "radius"}


def run(console: Console, output: Path | None, seed: int) -> None:
    """Command ``gpae theory``: the tables, and with ``output`` also ``theory.json`` and plots.

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
    """Printed tables, each with a line on its numbers.

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
    console.print(_render_form_variances(report))
    console.print(_render_v_bootstrapped(report))
    console.print(_render_q_corrected(report))
    console.print(_render_decomposed(report))


def _render_operators(report: TheoryReport) -> Table:
    table = Table(
        title=f"Operator by trace scheme and bootstrap, N = {report.settings.num_agents}",
        caption="Errors: largest over (s, a), mean over games and agents; "
        f"the largest true advantage averages {report.operators[0].advantage_scale:.2f}. "
        "A variance: of one sampled advantage given (s, a) at the true EQ, mean. "
        "By Eq. 11: with targets that weigh A by min(1, rho^i) instead of rho^i. "
        "Modulus (maximum norm) and radius: worst game and agent.",
    )
    table.add_column("bootstrap")
    table.add_column("scheme")
    for name in (
        "EQ error",
        "EQ error\nvs (π^i,μ^-i)",
        "A error",
        "A error\nat true EQ",
        "A variance",
        "EQ error\nby Eq. 11",
        "A error\nby Eq. 11",
    ):
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
            row.advantage_variance,
            row.target_value_error,
            row.target_advantage_error,
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
    table = Table(title="The corrected bootstrap's weight min(limit, rho^-i): variance, EQ error")
    limits = list(dict.fromkeys(row.limit for row in report.weights))
    table.add_column("N", justify="right")
    for limit in limits:
        name = "no limit" if limit is None else f"limit {limit:g}"
        table.add_column(f"{name}\nvariance", justify="right")
        table.add_column(f"{name}\nEQ error", justify="right")
    for num_agents in sorted({row.num_agents for row in report.weights}):
        found = {row.limit: row for row in report.weights if row.num_agents == num_agents}
        cells = [
            _format(value)
            for limit in limits
            for value in (found[limit].weight_variance, found[limit].fixed_point_error)
        ]
        table.add_row(str(num_agents), *cells)
    return table


def _render_form_variances(report: TheoryReport) -> Table:
    table = Table(
        title=f"Variance of one agent's policy gradient: GAE's over each estimator's, "
        f"lambda = {report.settings.lambda_:g}",
        caption="Exact critics. Decomposed: the critic V + sum_j u_j that its targets lead to; "
        "pairs: with a term for each pair of agents.",
    )
    table.add_column("rewards")
    table.add_column("N", justify="right")
    for name in ESTIMATORS[1:]:
        table.add_column(name, justify="right")
    found = {(row.rewards, row.num_agents, row.estimator): row for row in report.form_variances}
    for rewards, num_agents in dict.fromkeys((row, n) for row, n, _ in found):
        ratios = [found[rewards, num_agents, name].ratio for name in ESTIMATORS[1:]]
        table.add_row(rewards, str(num_agents), *(f"{ratio:.2f}" for ratio in ratios))
    return table


def _render_v_bootstrapped(report: TheoryReport) -> Table:
    table = Table(
        title="V-bootstrapped by trace scheme",
        caption="Targets weighted by rho and rho^i; limited: by min(1, rho) and min(1, rho^i).",
    )
    columns = {
        "A error": "advantage_error",
        "A var.": "advantage_variance",
        "V error": "value_error",
        "EQ error": "agent_value_error",
        "V error\nlimited": "limited_value_error",
        "EQ error\nlimited": "limited_agent_value_error",
        **_RATES,
    }
    return _filled(table, report.v_bootstrapped, columns)


def _render_q_corrected(report: TheoryReport) -> Table:
    table = Table(title="Q-corrected by trace scheme, any Q allowed")
    columns = {
        "A error": "advantage_error",
        "A var.": "advantage_variance",
        "Q error": "value_error",
        **_RATES,
    }
    return _filled(table, report.q_corrected, columns)


def _render_decomposed(report: TheoryReport) -> Table:
    table = Table(
        title="Q-corrected by trace scheme, Q = V + sum_j u_j",
        caption="Regressed with weights 1, min(1, rho) and rho. Credit error: of E[A] less its "
        "mean over the own action.",
    )
    columns = {
        "V error": "decomposed_value_error",
        "V error\nlimited": "limited_decomposed_value_error",
        "V error\nby rho": "weighted_decomposed_value_error",
        "credit\nerror": "credit_error",
        "credit\nlimited": "limited_credit_error",
        "credit\nby rho": "weighted_credit_error",
        "radius": "decomposed_radius",
    }
    return _filled(table, report.q_corrected, columns)


def _filled(table: Table, rows: Sequence[Any], columns: Mapping[str, str]) -> Table:
    """The table with a line for each row: attributes by the heading of their column."""
    table.add_column("scheme")
    for heading in columns:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(row.scheme, *(_format(getattr(row, name)) for name in columns.values()))
    return table


def _format(value: float | None) -> str:
    """Number with three decimals; 0 up to rounding error, and None for infinity."""
    if value is None:
        return "inf"
    return "0" if abs(value) < 1e-9 else f"{value:.3f}"
