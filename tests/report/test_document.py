"""Reports: every number in them recomputed, and nothing unequal averaged without a word."""

import csv
import re
import xml.etree.ElementTree as ElementTree
from itertools import count

import numpy as np
import pytest

from gpae.errors import UserError
from gpae.report.document import write_report
from gpae.report.document.entries import Entry, ends_of, load_comparison
from gpae.report.document.notes import notes
from gpae.report.document.over_tasks import improvements, normalised, profiles
from gpae.report.document.sample_efficiency import efficiencies
from gpae.report.document.tables import median
from gpae.report.statistics import summarise

WINS = {
    ("smax/3m", "gpae"): [[0.0, 0.4, 0.9], [0.0, 0.6, 0.8], [0.1, 0.7, 1.0]],
    ("smax/3m", "mappo"): [[0.0, 0.3, 0.7], [0.0, 0.5, 0.9]],
    ("smax/8m", "gpae"): [[0.0, 0.1, 0.4], [0.0, 0.2, 0.6], [0.0, 0.2, 0.5]],
    ("smax/8m", "mappo"): [[0.0, 0.1, 0.3], [0.0, 0.0, 0.2]],
}


@pytest.fixture
def make_curve(make_run):
    """A run with a mean score at each evaluation."""
    numbers = count()

    def make(scores, **settings):
        episodes = [[score] * 2 for score in scores]
        return make_run(f"run{next(numbers)}", episodes, **settings)

    return make


@pytest.fixture(scope="module")
def runs(make_run_of_module):
    """Two methods on two tasks, one of them with a seed less."""
    numbered = [
        (curve, {"task": task, "method": method, "seed": seed})
        for (task, method), curves in WINS.items()
        for seed, curve in enumerate(curves)
    ]
    return [
        make_run_of_module(f"run{number}", [[score] * 2 for score in curve], **settings)
        for number, (curve, settings) in enumerate(numbered)
    ]


def rows_of(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def report(runs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "out"
    write_report(runs, folder, title="Two <methods>")
    return folder


def test_the_files_are_those_promised(report):
    pictures = {
        f"{name}.{kind}"
        for name in ("curves", "scores", "profiles", "improvement")
        for kind in ("png", "svg")
    }
    tables = "final_scores over_tasks improvement sample_efficiency runs curves profiles"
    wanted = pictures | {f"{name}.csv" for name in tables.split()} | {"report.html", "report.md"}
    assert {path.name for path in report.iterdir()} == wanted


def test_final_scores_are_those_of_the_runs(report):
    for row in rows_of(report / "final_scores.csv"):
        ended = [curve[-1] for curve in WINS[row["task"], row["method"]]]
        summary = summarise(ended)
        found = [float(row[name]) for name in ("mean", "std", "iqm", "iqm_low", "iqm_high")]
        wanted = [np.mean(ended), np.std(ended, ddof=1), summary.iqm, summary.low, summary.high]
        assert found == pytest.approx(wanted, abs=1e-12)
        assert (row["seeds"], row["env_steps"]) == (str(len(ended)), "1500000")
    text = (report / "report.md").read_text()
    assert "| smax/3m | gpae | 3 | 1,500,000 | - | 0.900 ± 0.100 | 0.900 [0.800, 1.000] |" in text


def test_aggregates_over_tasks_are_those_of_the_table_of_runs(report):
    gpae, mappo = rows_of(report / "over_tasks.csv")
    table = np.array([[c[-1] for c in WINS[task, "gpae"]] for task in ("smax/3m", "smax/8m")]).T
    assert float(gpae["iqm"]) == pytest.approx(summarise(table).iqm)
    assert float(gpae["std"]) == pytest.approx(table.mean(1).std(ddof=1))
    assert (gpae["runs"], mappo["runs"]) == ("6", "4")


def test_probabilities_of_improvement_by_hand(report):
    on_3m, on_8m, over_both = rows_of(report / "improvement.csv")
    assert float(on_3m["probability"]) == pytest.approx((1 + 0.5 + 1 + 0 + 1 + 1) / 6)
    assert float(on_8m["probability"]) == 1.0
    assert over_both["task"] == "all 2 tasks"
    assert float(over_both["probability"]) == pytest.approx((4.5 / 6 + 1) / 2)
    assert (on_3m["method"], on_3m["over"], on_3m["env_steps"]) == ("gpae", "mappo", "1500000")


def test_profiles_by_hand(report):
    share = {
        (row["method"], round(float(row["threshold"]), 2)): float(row["share"])
        for row in rows_of(report / "profiles.csv")
    }
    assert share["gpae", 0.0] == 1.0
    assert share["gpae", 0.55] == pytest.approx((1 + 1 / 3) / 2)
    assert share["mappo", 0.8] == pytest.approx((1 / 2 + 0) / 2)
    assert share["mappo", 1.0] == 0.0


def test_sample_efficiency_by_hand(report):
    found = {
        (row["task"], row["method"], row["threshold"]): row
        for row in rows_of(report / "sample_efficiency.csv")
    }
    row = found["smax/3m", "gpae", "0.5"]
    assert (row["median_env_steps"], row["reached"], row["seeds"]) == ("1000000.0", "3", "3")
    areas = [(a / 2 + b + c / 2) / 2 for a, b, c in WINS["smax/3m", "gpae"]]
    assert float(row["mean_over_training"]) == pytest.approx(np.mean(areas))
    row = found["smax/8m", "mappo", "0.5"]
    assert (row["median_env_steps"], row["reached"]) == ("", "0")
    assert "not reached" in (report / "report.md").read_text()
    row = found["smax/8m", "gpae", "0.5"]
    assert (row["median_env_steps"], row["reached"]) == ("1500000.0", "2")


def test_the_median_is_infinite_where_half_have_not_arrived():
    assert median(np.array([3.0, 1.0, np.inf])) == 3.0
    assert median(np.array([1.0, np.inf, np.inf])) == np.inf
    assert median(np.array([1.0, 3.0])) == 2.0
    assert median(np.array([1.0, np.inf])) == np.inf


def test_the_page_needs_nothing_else_and_is_well_formed(report):
    page = (report / "report.html").read_text()
    assert "Two &lt;methods&gt;" in page
    assert page.count("<svg") == 4
    assert not re.findall(r"""(?:src|href)=["'](?!#)[^"']*""", page.replace("xlink:href=", "href="))
    assert "@import" not in page
    assert "prefers-color-scheme: dark" in page
    for svg in re.findall(r"<svg.*?</svg>", page, re.S):
        ElementTree.fromstring(svg)
        assert "currentColor" in svg
        assert "#000000" not in svg
        assert "width=" not in svg[: svg.index(">")]
    identities = re.findall(r'\sid="([^"]+)"', page)
    defined = set(re.findall(r"url\(#([^)]+)\)", page)) | set(re.findall(r'href="#([^"]+)', page))
    assert defined <= set(identities)


def test_a_report_is_the_same_each_time(report, runs, tmp_path):
    write_report(runs, tmp_path / "again", title="Two <methods>")
    for path in report.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes(), path.name


def test_unequal_seeds_are_said(runs):
    text = " ".join(notes(load_comparison(runs)))
    assert "smax/3m: unequal seeds: 0 to 2 (gpae); 0, 1 (mappo)." in text


def test_seeds_of_unequal_length_are_scored_where_all_are(make_curve):
    runs = [make_curve([0.1, 0.2, 0.9], seed=0), make_curve([0.3, 0.4], seed=1)]
    comparison = load_comparison(runs)
    (entry,) = comparison.entries
    assert entry.env_steps == 1_000_000
    np.testing.assert_allclose(entry.scores, [0.2, 0.4])
    (note,) = notes(comparison)
    assert "scores are those at 1,000,000 env steps" in note
    assert "seeds 0 have gone further" in note


def test_methods_of_unequal_length_are_compared_where_all_are(make_curve):
    runs = [
        make_curve([0.0, 0.5, 0.9], method="gpae", total_env_steps=1.5e6),
        make_curve([0.0, 0.6], method="mappo", total_env_steps=1e6),
    ]
    comparison = load_comparison(runs)
    (found,) = improvements(comparison)
    assert (found.probability, found.env_steps) == (0.0, (1_000_000,))
    scores = normalised(comparison)
    assert scores is not None
    assert [of_tasks[0].tolist() for of_tasks in scores.scores.values()] == [[0.5], [0.6]]
    assert [each.steps[-1] for each in efficiencies(comparison)] == [1_000_000] * 2
    assert any("unequal env steps: 1,500,000" in note for note in notes(comparison))


def test_steps_within_a_batch_count_as_equal_and_none_below():
    def entry(*steps):
        made = Entry("smax/3m", "gpae", "win_rate", [], [])
        made.__dict__["steps"] = np.array(steps)
        return made

    assert ends_of([entry(0, 100, 507_904), entry(0, 503_808)]) == [507_904, 503_808]
    assert ends_of([entry(0, 100, 200), entry(0, 101, 150)]) == [100, 101]
    assert ends_of([entry(0, 100), entry(0, 150)]) is None


def test_gradient_steps_and_versions_are_said(make_curve):
    from gpae.runs import RecordFile, RunFolder
    from gpae.runs.files import write_atomically

    one = make_curve([0.1, 0.2], seed=0, versions={"jax": "0.10.1", "git": None})
    two = make_curve([0.1, 0.3], seed=1, versions={"jax": "0.10.2", "git": None})
    for path, each in ((one, 4), (two, 8)):
        records = RecordFile(RunFolder.open(path).evaluations_path)
        changed = [{**r, "gradient_steps": each * r["update"]} for r in records.read()]
        write_atomically(records.path, b"")
        for record in changed:
            records.append(record)
        records.close()
    text = " ".join(notes(load_comparison([one, two])))
    assert "runs of unequal gradient steps are averaged: 8, 16" in text
    assert "unequal versions of jax: 0.10.1 (1 run), 0.10.2 (1 run); averaged over both" in text


def test_rules_presets_and_settings_are_kept_apart(make_curve):
    runs = [
        make_curve([0.1], task_settings={"rules": "0.2"}),
        make_curve([0.2], task_settings={"rules": "0.1"}),
        make_curve([0.3], task_settings={"rules": "0.2"}, update={"learning_rate": 1e-3}),
    ]
    comparison = load_comparison(runs)
    assert [len(entry.runs) for entry in comparison.entries] == [1, 1, 1]
    assert set(comparison.tasks) == {"smax/3m (rules=0.1)", "smax/3m (rules=0.2)"}


def test_names_leave_out_settings_that_go_along_with_others(make_curve, tmp_path):
    presets = [
        {"network": {"layer_norm": True}, "update": {"learning_rate": 5e-4, "epochs": 5}},
        {"network": {"layer_norm": False}, "update": {"learning_rate": 2e-3, "epochs": 4}},
    ]
    runs = [make_curve([0.1 * k], seed=k, **preset) for k, preset in enumerate(presets)]
    names = load_comparison(runs).labels
    assert names == ["gpae (update.learning_rate=0.0005)", "gpae (update.learning_rate=0.002)"]
    renamed = load_comparison(runs, renamed={names[0]: "release"})
    assert renamed.labels == ["release", names[1]]
    write_report(runs, tmp_path / "out")
    first, _ = rows_of(tmp_path / "out/methods.csv")
    assert first == {
        "method": names[0],
        "network.layer_norm": "True",
        "update.learning_rate": "0.0005",
        "update.epochs": "5",
    }
    with pytest.raises(UserError, match="no method 'gpae' to rename"):
        load_comparison(runs, renamed={"gpae": "ours"})
    with pytest.raises(UserError, match="the same name"):
        load_comparison(runs, renamed={names[0]: "x", names[1]: "x"})


def test_diverged_and_empty_runs_are_in_no_number_and_said(make_curve):
    from gpae.runs import RunFolder

    good, bad = make_curve([0.5, 0.5], seed=0), make_curve([0.1], seed=1, finished=False)
    RunFolder.open(bad).record_failure("diverged")
    empty = make_curve([], seed=2, finished=False)
    comparison = load_comparison([good, bad, empty])
    (entry,) = comparison.entries
    assert (entry.seeds, entry.scores.tolist(), list(entry.diverged)) == ([0], [0.5], [bad])
    text = " ".join(notes(comparison))
    assert "1 run diverged and is in no number" in text
    assert f"not evaluated yet: {empty.name}" in text


def test_where_smaller_is_better_less_is_an_improvement(make_curve):
    settings = {"metric": "error", "direction": "minimise"}
    runs = [
        make_curve([9.0, 2.0], method="gpae", **settings),
        make_curve([9.0, 4.0], method="mappo", **settings),
    ]
    comparison = load_comparison(runs)
    (found,) = improvements(comparison)
    assert (found.one, found.probability) == ("gpae", 1.0)
    scores = normalised(comparison)
    assert {label: each[0].tolist() for label, each in scores.scores.items()} == {
        "gpae": [1.0],
        "mappo": [0.0],
    }
    assert profiles(scores)["gpae"].share[50] == 1.0
    first, second = efficiencies(comparison)
    assert list(first.reached) == [5.5, 2.7]
    assert [reached.tolist() for reached in second.reached.values()] == [[1_000_000], [np.inf]]


def test_the_same_seed_twice_is_refused(make_curve, tmp_path):
    with pytest.raises(UserError, match="repeats gpae"):
        write_report([make_curve([0.1]), make_curve([0.2])], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_command_takes_folders_of_runs(make_curve, tmp_path, capsys):
    from gpae.cli import main

    make_curve([0.1], seed=0)
    make_curve([0.2], seed=1)
    out = tmp_path / "reports/first"
    assert main(["report", str(tmp_path), "--out", str(out), "--title", "Seeds"]) == 0
    assert "report on 2 runs in" in capsys.readouterr().out
    assert "<h1>Seeds</h1>" in (out / "report.html").read_text()
    assert main(["report", str(tmp_path), "--metric", "hit", "--out", str(out)]) == 2
    assert "without hit" in capsys.readouterr().err
