"""A credit report as table, files, and means over runs."""

import io
import json
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from gpae.credit import EstimatorSamples, GradientMoments, Measured, TrueCredit
from gpae.credit.comparison import calibrate, compare_estimators, compare_gradients
from gpae.report.credit import save_credit, show_credit
from gpae.report.credit_runs import names_of, over_runs, save_over_runs, show_over_runs
from gpae.runs.credit import CreditReport, CreditSettings

STATES, SAMPLES, AGENTS = 6, 4, 2
LONG = "gpae network.critic_actions=attention"


def report(seed):
    rng = np.random.default_rng(seed)

    def measured(*shape):
        return Measured(rng.normal(size=(STATES, *shape)), np.full((STATES, *shape), 0.1))

    truth = TrueCredit(
        measured(),
        measured(),
        measured(AGENTS),
        measured(AGENTS),
        None,
        np.ones((STATES, AGENTS), bool),
        0.0,
    )
    shape = (STATES, SAMPLES, AGENTS)
    samples = {
        name: EstimatorSamples({name: rng.normal(size=shape)}, rng.normal(size=shape))
        for name in ("mappo", LONG)
    }
    gradients = {
        name: GradientMoments(np.full(STATES, 3.0), np.full(STATES, 1.0 + place))
        for place, name in enumerate(samples)
    }
    advantages = {name: each.advantages[name] for name, each in samples.items()}
    rows = compare_estimators(advantages, truth, np.ones(STATES, bool))
    for name, row in compare_gradients(gradients, "mappo").items():
        rows[name] |= row
    calibration = {name: calibrate(each, truth) for name, each in samples.items()}
    settings = CreditSettings(STATES, 2, SAMPLES)
    return CreditReport(
        settings, 7, truth, samples, gradients, rows, {}, calibration, {LONG: 32}, {"truth": 1.0}
    )


@pytest.fixture(scope="module")
def reports():
    return {"one": report(0), "two": report(1)}


def printed(show, what):
    console = Console(width=80, file=io.StringIO())
    show(what, console)
    return console.file.getvalue()


def test_every_number_of_the_table_fits_eighty_columns(reports):
    shown = printed(show_credit, reports["one"])
    assert "…" not in shown
    row = reports["one"].rows[LONG]
    for key in ("rank_correlation", "squared_bias", "gradient_variance_ratio"):
        assert f"{row[key]:.3f}" in shown
    assert "32 gradient steps" in shown


def test_files_hold_the_numbers_and_the_arrays_at_every_state(reports, tmp_path):
    made = reports["one"]
    paths = save_credit(made, tmp_path / "new")
    assert [path.name for path in paths] == ["credit.json", "credit.npz", "credit.png"]
    content = json.loads(paths[0].read_text())
    assert content["estimators"][LONG]["variance"] == made.rows[LONG]["variance"]
    assert content["gradient_steps"] == {LONG: 32}
    arrays = np.load(paths[1])
    np.testing.assert_allclose(arrays["truth/advantages"], made.truth.advantages.mean, rtol=1e-6)
    np.testing.assert_allclose(
        arrays[f"advantages/{LONG}"], made.samples[LONG].advantages[LONG], rtol=1e-6
    )
    np.testing.assert_array_equal(arrays[f"gradient_variance/{LONG}"], 2.0)


def test_means_over_runs_have_students_interval(reports, tmp_path):
    found = over_runs(reports)[LONG]["variance"]
    values = [each.rows[LONG]["variance"] for each in reports.values()]
    low, high = stats.t.interval(0.95, 1, np.mean(values), stats.sem(values))
    assert found == pytest.approx({"mean": np.mean(values), "low": low, "high": high})
    shown = printed(show_over_runs, reports)
    assert f"{found['mean']:.3f}" in shown
    assert "mean of 2 runs" in shown
    content = json.loads(save_over_runs(reports, tmp_path).read_text())
    assert content["runs"] == ["one", "two"]
    assert content["estimators"][LONG]["variance"] == found


def test_runs_of_one_name_are_told_apart(tmp_path):
    folders = [SimpleNamespace(path=tmp_path / name) for name in ("a/first", "b/first", "c/second")]
    assert names_of(folders) == ["first-1", "first-2", "second"]
