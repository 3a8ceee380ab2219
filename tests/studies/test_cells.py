"""Cells: what shares one, what stands apart, and the numbers of tables and verdicts."""

from dataclasses import replace
from math import hypot

import numpy as np
import pytest

from gpae.studies.cells import fill_cells
from gpae.studies.drawing import mean_over_tasks
from gpae.studies.measures import score, series
from gpae.studies.overhead import overhead_percent
from gpae.studies.printed import NOTHING, Printed
from gpae.studies.tables import interval_of, spread_of, table_of
from gpae.studies.verdicts import comparisons, verdict_on_number


def test_a_cell_has_its_seeds_in_order_and_says_what_is_missing(archived, study, plan):
    one = plan.cells[0]
    runs = [archived(one, seed, [0.0, 0.5]) for seed in (1, 0)]
    cells = fill_cells("small", plan.cells, runs)
    assert [run.record.seed for run in cells[0].runs] == [0, 1]
    assert [cell.is_complete for cell in cells] == [True, False, False]
    text = table_of(cells, study.measures[:1], NOTHING)
    assert "| toy/beacon | one | 2 | 96 | 50.0 ± 0.0 | 50.0 [50.0, 50.0] | - |" in text
    assert "Missing: 4 runs; 2 of 3 cells have none yet." in text


@pytest.mark.parametrize(
    ("change", "label"),
    [
        ({"discount": 0.9}, "one (discount=0.9)"),
        ({"total_env_steps": 640.0}, "one (total_env_steps=640.0)"),
    ],
)
def test_runs_with_other_settings_stand_apart(change, label, archived, plan):
    one = plan.cells[0]
    other = replace(one.config, **change)
    runs = [archived(one, 0, [0.5]), archived(one, 0, [0.7], config=other)]
    cells = fill_cells("small", plan.cells, runs)
    assert [cell.row for cell in cells] == ["one", "two", "odd", label]
    assert [len(cell.runs) for cell in cells] == [1, 0, 0, 1]


def test_runs_of_another_revision_stand_apart(archived, plan):
    runs = [archived(plan.cells[0], 0, [0.5], revision=0)]
    *planned, apart = fill_cells("small", plan.cells, runs)
    assert not any(cell.runs for cell in planned)
    assert apart.row == "one (revision=0)"
    assert apart.wanted == 0


def test_a_row_that_is_gone_is_named_as_such(archived, plan):
    gone = replace(plan.cells[0].row, name="gone")
    config = replace(plan.cells[0].config, discount=0.5)
    moved = type(plan.cells[0])("toy/beacon", gone, ("seed=0",), 1)
    run = archived(moved, 0, [0.5], config=config)
    assert fill_cells("small", plan.cells, [run])[-1].row == "gone (no longer in the study)"


def test_a_cell_takes_equal_runs_of_other_studies_and_no_others_of_theirs(archived, plan):
    runs = [archived(plan.cells[0], 0, [0.5], study="other")]
    runs += [archived(plan.cells[1], 0, [0.5], study="other", revision=0)]
    cells = fill_cells("small", plan.cells, runs)
    assert [len(cell.runs) for cell in cells] == [1, 0, 0]


def test_a_run_that_diverged_is_counted_and_is_in_no_mean(archived, study, plan):
    runs = [archived(plan.cells[0], 0, [0.4]), archived(plan.cells[0], 1, [0.9], diverged="NaN")]
    cells = fill_cells("small", plan.cells, runs)
    assert cells[0].is_complete
    assert "| one | 1, 1 diverged | 0 | 40.0 |" in table_of(cells, study.measures[:1], NOTHING)


def test_a_measure_of_training_is_a_ratio_at_each_point_weighted_by_env_steps(
    archived, study, plan
):
    metrics = [
        {"update": 1, "env_steps": 96, "a": 3.0, "b": 1.0, "c": 2.0},
        {"update": 2, "env_steps": 288, "a": 9.0, "b": 1.0, "c": 4.0},
        {"update": 3, "env_steps": 384, "a": 9.0, "b": 1.0, "c": 0.0},
    ]
    run = archived(plan.cells[0], 0, [0.0, 0.5, 0.5, 0.5, 0.5], metrics=metrics)
    steps, values = series(run, study.measures[1])
    assert (steps.tolist(), values.tolist()) == ([96, 288], [1.0, 2.0])
    assert score(run, study.measures[1]) == pytest.approx((96 * 1.0 + 192 * 2.0) / 288)


def test_the_numbers_of_a_table_are_those_of_the_runs(archived, study, plan):
    wins = [0.2, 0.3, 0.7]
    runs = [archived(plan.cells[0], seed, [0.0, win]) for seed, win in enumerate(wins)]
    (cell, *_) = fill_cells("small", plan.cells, runs)
    measure = study.measures[0]
    assert spread_of(cell, measure) == f"40.0 ± {np.std([20, 30, 70], ddof=1):.1f}"
    assert interval_of(cell, measure).startswith("40.0 [")


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [
        ((40.0, 1.0), "reproduced"),
        ((35.0 - 2 * hypot(50**0.5, 3.0) + 0.1, 3.0), "reproduced"),
        ((35.0 - 2 * hypot(50**0.5, 3.0) - 0.1, 3.0), "not reproduced (higher)"),
        ((80.0,), "not reproduced (lower)"),
    ],
)
def test_a_printed_mean_is_reproduced_within_two_deviations(
    printed, verdict, archived, study, plan
):
    runs = [archived(plan.cells[0], seed, [win]) for seed, win in ((0, 0.3), (1, 0.4))]
    cells = fill_cells("small", plan.cells, runs)
    paper = Printed("Table", {"performance": {"toy/beacon": {"one": printed, "two": (1.0,)}}})
    assert verdict_on_number(cells[0], study.measures[0], paper) == verdict
    assert verdict_on_number(cells[1], study.measures[0], paper) == "not run yet"
    assert verdict_on_number(cells[2], study.measures[0], paper) == ""
    (fewer, *_) = fill_cells("small", plan.cells, runs[:1])
    assert verdict_on_number(fewer, study.measures[0], paper) == "not yet at full size"


@pytest.mark.parametrize(
    ("one", "two", "verdict"),
    [
        ([0.8, 0.9], [0.1, 0.2], "reproduced"),
        ([0.1, 0.2], [0.8, 0.9], "not reproduced (the other is better)"),
        ([0.1, 0.9], [0.2, 0.8], "not reproduced (no difference shown)"),
        ([0.8], [0.1, 0.2], "not yet at full size"),
        ([], [0.1, 0.2], "not run yet"),
    ],
)
def test_a_claim_is_reproduced_if_its_whole_interval_says_so(
    one, two, verdict, archived, study, plan
):
    runs = [archived(plan.cells[0], seed, [win]) for seed, win in enumerate(one)]
    runs += [archived(plan.cells[1], seed, [win]) for seed, win in enumerate(two)]
    (pair,) = comparisons(study, fill_cells("small", plan.cells, runs))
    assert pair.verdict == verdict


def test_curves_of_several_tasks_are_averaged_where_all_have_a_point():
    def curve(*points):
        return np.array([at for at, _ in points]), np.array([value for _, value in points])

    first = [curve((0, 0.0), (10, 1.0), (20, 1.0)), curve((0, 0.2), (10, 0.4))]
    second = [curve((0, 1.0), (10, 0.0))]
    ((steps, values),) = mean_over_tasks([first, second])
    assert (steps.tolist(), values.tolist()) == ([0, 10], [0.5, 0.5])


def test_the_overhead_is_the_median_ratio_within_rounds(tmp_path):
    path = tmp_path / "overhead.json"
    path.write_text('{"reference": "A", "seconds": {"A": [1, 2, 4], "B": [1.1, 2.1, 8]}}')
    assert overhead_percent(path) == {"B": pytest.approx(10.0)}
