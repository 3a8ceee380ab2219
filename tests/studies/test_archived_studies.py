"""Archiving runs and reporting on the archive."""

import json

import pytest

from gpae.config.compose import compose, to_dict
from gpae.errors import UserError
from gpae.runs import RecordFile, RunFolder
from gpae.studies import first
from gpae.studies.archive import archive


@pytest.fixture
def run(tmp_path):
    """Write a run of the study with given training win rates, and a final evaluation of 0.75."""

    def make(seed, rates):
        config = compose([f"seed={seed}", "task=smax/3m", "method=gpae", "window.length=1"])
        folder = RunFolder.create(tmp_path / f"run{seed}", to_dict(config))
        with RecordFile(folder.metrics_path) as metrics:
            for update, rate in enumerate(rates, start=1):
                counters = {"update": update, "env_steps": 100 * update}
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
    assert first.training_win_rate(folder, total=800) == pytest.approx(1.0)
    assert first.training_win_rate(folder, total=500) == pytest.approx(0.6)
    assert first.training_win_rate(folder, total=200) == 0.0


def test_the_report_has_a_row_a_kind_and_a_picture(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    runs = [str(run(seed, [0.2 * (seed + 1)] * 3)) for seed in (0, 1)]
    assert first.main([*runs, "--results", str(tmp_path / "results")]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "smax/3m" in line]
    cells = [cell.strip() for cell in row.split("│")]
    assert cells[1:8] == ["smax/3m", "jaxmarl", "gpae", "2", "0.300", "0.20 0.40", "0.750 ± 0.000"]
    assert (tmp_path / "results" / "curves.png").stat().st_size > 10_000


def test_an_empty_archive_is_refused_in_a_line(tmp_path, capsys):
    assert first.main(["--results", str(tmp_path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path} holds no runs")


def test_the_studys_commands_are_valid():
    from gpae.config.compose import expand_sweep

    jobs = [job for line in first.COMMANDS for job in expand_sweep(line.split(" -m ")[1].split())]
    assert len({json.dumps(to_dict(compose(job))) for job in jobs}) == len(jobs) == 18
