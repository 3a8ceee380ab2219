"""Archiving runs and reporting on the archive."""

import json
import shutil
from pathlib import Path

import pytest

from gpae.config.compose import compose, expand_sweep, to_dict
from gpae.errors import UserError
from gpae.runs import RecordFile, RunFolder
from gpae.studies import first, pilot
from gpae.studies.archive import archive, archived_name
from gpae.studies.study import _evaluated, training_win_rate

ARCHIVES = Path(__file__).parents[2] / "results"


@pytest.fixture
def run(tmp_path):
    """Write a run of the study with given training win rates, and a final evaluation of 0.75."""

    def make(seed, rates):
        config = compose([f"seed={seed}", "task=smax/3m", "method=gpae", "window.length=1"])
        folder = RunFolder.create(tmp_path / f"run{seed}", to_dict(config))
        with RecordFile(folder.metrics_path) as metrics:
            for update, rate in enumerate(rates, start=1):
                counters = {"update": update, "env_steps": 100 * update}
                counters["gradient_steps"] = 16 * update
                metrics.append({**counters, "train/win_rate": rate})
        with RecordFile(folder.evaluations_path) as evaluations:
            record = {**counters, "mode": "greedy", "episodes": 4, "win_rate": [1, 1, 0, 1]}
            evaluations.append({**record, "absolute": False})
            evaluations.append({**record, "win_rate": [0] * 40, "absolute": True})
        return folder.path

    return make


def test_records_are_kept_byte_for_byte_under_a_telling_name(run, tmp_path):
    source = run(3, [0.1])
    (target,) = archive([source], tmp_path / "results")
    assert target.name == "smax-3m_gpae_M1_lr0.002_seed3"
    for name in ("config.yaml", "versions.json", "metrics.jsonl", "evaluations.jsonl"):
        assert (target / name).read_bytes() == (source / name).read_bytes()


def test_runs_that_would_overwrite_each_other_are_refused(run, tmp_path):
    source = run(3, [0.1])
    with pytest.raises(UserError, match="several runs would be archived as smax-3m_gpae_M1"):
        archive([source, source], tmp_path / "results")
    assert not (tmp_path / "results").exists()


def test_the_training_win_rate_is_the_best_mean_of_three_updates_in_time(run):
    folder = run(0, [0.0, 0.3, 0.6, 0.9, 0.0, 1.0, 1.0, 1.0])
    assert training_win_rate(folder, total=800) == pytest.approx(1.0)
    assert training_win_rate(folder, total=500) == pytest.approx(0.6)
    assert training_win_rate(folder, total=200) == 0.0


def test_the_report_has_a_row_a_kind_and_a_picture(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    runs = [str(run(seed, [0.2 * (seed + 1)] * 3)) for seed in (0, 1)]
    assert first.main([*runs, "--results", str(tmp_path / "results")]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "smax/3m" in line]
    cells = [cell.strip() for cell in row.split("│")][1:-1]
    assert cells[:5] == ["smax/3m", "jaxmarl", "gpae", "48", "2"]
    assert cells[5:] == ["0.300", "0.20 0.40", "0.750 ± 0.000", "0.000 ± 0.000"]
    assert (tmp_path / "results" / "curves.png").stat().st_size > 10_000


def test_a_run_that_is_not_finished_is_refused_in_a_line(run, tmp_path, capsys):
    source = run(0, [0.1])
    first_line = (source / "evaluations.jsonl").read_text().splitlines(keepends=True)[0]
    (source / "evaluations.jsonl").write_text(first_line)
    assert first.main([str(source), "--results", str(tmp_path / "results")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("has no evaluation of its best policy; archive finished runs")
    assert not (tmp_path / "results").exists()


def test_another_run_of_the_same_name_is_refused_in_a_line(run, tmp_path, capsys):
    source, results = run(0, [0.1]), tmp_path / "results"
    assert first.main([str(source), "--results", str(results)]) == 0
    config = source / "config.yaml"
    config.write_text(config.read_text().replace("epochs: 4", "epochs: 5"))
    capsys.readouterr()
    assert first.main([str(source), "--results", str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds another run (update.epochs: 4 -> 5): archive" in line
    (kept,) = results.glob("*/config.yaml")
    assert "epochs: 4" in kept.read_text()


def test_the_same_run_made_another_time_does_not_replace_the_first(run, tmp_path, capsys):
    source, results = run(0, [0.1]), tmp_path / "results"
    words = [str(source), "--results", str(results)]
    assert first.main(words) == first.main(words) == 0
    with RecordFile(source / "metrics.jsonl") as metrics:
        metrics.append({"update": 2, "env_steps": 200, "gradient_steps": 32, "train/win_rate": 0.9})
    capsys.readouterr()
    assert first.main(words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "holds another run (with other metrics.jsonl): archive" in line
    assert line.endswith("in another folder with --results")
    (kept,) = results.glob("*/metrics.jsonl")
    assert "0.9" not in kept.read_text()


def test_an_empty_archive_is_refused_in_a_line(tmp_path, capsys):
    assert first.main(["--results", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path} holds no runs")


@pytest.mark.slow
@pytest.mark.parametrize(("study", "runs"), [(first, 18), (pilot, 20)])
def test_a_studys_commands_are_valid_and_its_panels_hold_their_runs(study, runs, tmp_path):
    jobs = [job for line in study.COMMANDS for job in expand_sweep(line.split(" -m ")[1].split())]
    configs = [to_dict(compose(job)) for job in jobs]
    assert len({json.dumps(config) for config in configs}) == len(configs) == runs
    folders = [RunFolder.create(tmp_path / str(n), config) for n, config in enumerate(configs)]
    assert all(sum(panel.holds(folder) for panel in study.PANELS) == 1 for folder in folders)
    assert len({archived_name(folder) for folder in folders}) == runs


def test_what_is_archived_is_named_after_what_it_is():
    archived = [path.parent for path in ARCHIVES.glob("pilot/*/config.yaml")]
    assert archived
    for folder in archived:
        assert archived_name(RunFolder.open(folder)) == folder.name


def test_a_setting_that_is_not_its_methods_default_is_in_the_name(tmp_path):
    words = ["task=smax/3m", "method=gpae", "method.bootstrap=corrected", "window.length=4"]
    folder = RunFolder.create(tmp_path / "run", to_dict(compose(words)))
    assert archived_name(folder) == "smax-3m_gpae-corrected_M4_lr0.002_seed0"


def test_a_seed_that_is_archived_twice_is_refused_in_a_line(run, tmp_path, capsys):
    results = tmp_path / "results"
    (target,) = archive([run(0, [0.1])], results)
    shutil.copytree(target, results / "the_same_again")
    assert first.main(["--results", str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "the_same_again repeats gpae on smax/3m with seed 0, which" in line


def test_a_panel_holds_no_runs_by_other_rules(run, tmp_path, capsys):
    results = tmp_path / "results"
    for target in archive([run(seed, [0.1]) for seed in (0, 1)], results):
        config = target / "config.yaml"
    config.write_text(config.read_text().replace("rules: '0.2'", "rules: '0.1'"))
    assert first.main(["--results", str(results)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "has runs of smax/3m (rules=0.1) and smax/3m (rules=0.2): give each" in line


def test_the_reports_win_rates_are_of_the_mode_that_is_drawn(run):
    folder = run(0, [0.1])
    with RecordFile(folder / "evaluations.jsonl") as evaluations:
        record = {"update": 1, "env_steps": 100, "mode": "sampled", "win_rate": [0, 0]}
        evaluations.append({**record, "absolute": False})
    assert _evaluated(folder, absolute=False) == 0.75
