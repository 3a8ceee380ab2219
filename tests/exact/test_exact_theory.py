import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from gpae import estimators, exact
from gpae.exact import theory
from gpae.exact.plots import plot_theory
from gpae.exact.report import POLICY_SHIFTS

SMALL = exact.Settings(num_games=3, num_variance_games=3, num_states=3)


@pytest.fixture(scope="module")
def report():
    return theory.compute_theory(SMALL)


@pytest.fixture(scope="module")
def operators(report):
    return {(row.scheme, row.bootstrap): row for row in report.operators}


def test_operator_table_has_on_policy_and_every_pair(report, operators):
    pairs = {(s, b) for s in estimators.TRACE_SCHEMES for b in estimators.BOOTSTRAPS}
    assert set(operators) == pairs | {("on-policy", "either")}
    assert len(report.operators) == 13
    assert len(report.shifts) == 13 * len(POLICY_SHIFTS)


def test_operator_table_says_what_is_exact(operators):
    zero = {pair for pair, row in operators.items() if row.fixed_point_error < 1e-10}
    exact_pairs = {
        ("on-policy", "either"),
        ("inner", "corrected"),
        ("untruncated", "corrected"),
    }
    assert zero == exact_pairs
    assert all(operators[pair].advantage_error < 1e-10 for pair in exact_pairs)
    assert all(operators[pair].advantage_error_at_values < 1e-10 for pair in exact_pairs)
    by_eq_11 = {pair for pair, row in operators.items() if row.target_value_error < 1e-10}
    assert by_eq_11 == {("on-policy", "either")}
    mixed = {pair for pair, row in operators.items() if row.mixed_policy_error < 1e-10}
    assert mixed == {("on-policy", "either"), ("inner", "paper"), ("untruncated", "paper")}


def test_operator_row_aggregates_over_games_and_agents():
    """Errors are means and rates are maxima, so one game more moves them as such."""
    settings = dataclasses.replace(SMALL, num_games=2)
    few, more = exact.operator_table(settings), exact.operator_table(SMALL)
    for left, right in zip(few, more, strict=True):
        assert right.modulus >= left.modulus
        assert right.radius >= left.radius
        assert 3 * right.fixed_point_error >= 2 * left.fixed_point_error - 1e-12


def test_with_one_agent_there_are_no_team_mates_to_correct_for():
    settings = dataclasses.replace(SMALL, num_agents=1)
    rows = {(row.scheme, row.bootstrap): row for row in exact.operator_table(settings)}
    for scheme in estimators.TRACE_SCHEMES:
        printed, corrected = rows[scheme, "paper"], rows[scheme, "corrected"]
        assert printed.fixed_point_error == corrected.fixed_point_error
        assert printed.modulus == corrected.modulus
    assert rows["untruncated", "paper"].fixed_point_error < 1e-10


def test_bias_grows_with_the_policy_shift(report):
    rows = [r for r in report.shifts if (r.scheme, r.bootstrap) == ("double", "paper")]
    errors = [row.fixed_point_error for row in rows]
    assert [row.policy_shift for row in rows] == list(POLICY_SHIFTS)
    assert errors == sorted(errors)


def test_variance_table_is_relative_to_the_agent_baseline(report):
    rows = {(r.rewards, r.num_agents, r.lambda_, r.baseline): r for r in report.variances}
    assert len(rows) == len(report.variances) == 2 * 6 * 3 * 3
    for (rewards, num_agents, lambda_, _), row in rows.items():
        own = rows[rewards, num_agents, lambda_, "agent"]
        assert row.ratio == pytest.approx(row.variance / own.variance)
        if num_agents == 1 and row.baseline == "state":
            assert row.ratio == pytest.approx(1)
    gain = [rows["additive", n, None, "state"].ratio for n in (1, 2, 6)]
    assert gain == sorted(gain)
    assert gain[-1] > 1.5


def test_weight_table_trades_variance_for_error(report):
    rows = {(row.num_agents, row.limit): row for row in report.weights}
    assert len(rows) == 6 * 3
    for num_agents in range(2, 7):
        tight, loose, free = (rows[num_agents, limit] for limit in (1.0, 2.0, None))
        assert tight.weight_variance < loose.weight_variance <= free.weight_variance
        assert tight.fixed_point_error > loose.fixed_point_error >= free.fixed_point_error
        assert free.fixed_point_error < 1e-10


def test_tables_repeat_with_their_seed():
    assert exact.operator_table(SMALL) == exact.operator_table(SMALL)
    assert exact.operator_table(SMALL) != exact.operator_table(dataclasses.replace(SMALL, seed=1))


def test_printed_tables_show_the_rows(report, operators):
    console = Console(width=120, record=True, file=io.StringIO())
    theory.print_theory(console, report)
    text = console.export_text()
    row = operators["double", "paper"]
    assert f"{row.fixed_point_error:.3f}" in text
    assert f"{row.modulus:.3f}" in text
    for heading in ("exact Q - b", "sampled, lambda = 0 ", "sampled, lambda = 0.95", "no limit"):
        assert heading in text
    exact_line = next(line for line in text.splitlines() if "inner" in line and "correct" in line)
    assert exact_line.split("│")[3].strip() == "0"


@pytest.mark.slow
def test_run_writes_json_and_plots(tmp_path, monkeypatch, report):
    monkeypatch.setattr(theory, "compute_theory", lambda settings: report)
    output = tmp_path / "nested" / "theory"
    console = Console(width=120, record=True, file=io.StringIO())
    theory.run(console, output, seed=0)
    saved = json.loads((output / "theory.json").read_text())
    assert saved["settings"] == dataclasses.asdict(SMALL)
    assert saved["versions"]["numpy"] == np.__version__
    assert saved["operators"] == [dataclasses.asdict(row) for row in report.operators]
    assert saved["weights"][2]["limit"] is None
    for path in plot_theory(report, output):
        assert path.read_bytes().startswith(b"\x89PNG")
        assert str(path) in console.export_text(clear=False)


def test_run_without_output_writes_nothing(tmp_path, monkeypatch, report):
    seeds = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        theory, "compute_theory", lambda settings: seeds.append(settings.seed) or report
    )
    theory.run(Console(width=120, file=io.StringIO()), None, seed=5)
    assert seeds == [5]
    assert list(tmp_path.iterdir()) == []


def test_operator_table_says_what_exactness_costs(operators):
    """Without the outer truncation the sampled advantage varies more, and most with full ratios."""
    row = {scheme: operators[scheme, "corrected"] for scheme in ("double", "inner", "untruncated")}
    assert row["double"].advantage_variance < row["inner"].advantage_variance
    assert operators["double", "paper"].advantage_variance < row["double"].advantage_variance
    free = row["untruncated"].advantage_variance
    assert free is None or free > row["inner"].advantage_variance


def test_an_infinite_variance_is_none_and_printed_so():
    settings = dataclasses.replace(SMALL, policy_shift=2.0)
    rows = {(r.scheme, r.bootstrap): r for r in exact.operator_table(settings)}
    assert rows["untruncated", "corrected"].advantage_variance is None
    assert rows["individual", "paper"].advantage_variance > 0
    assert theory._format(None) == "inf"
