"""The command on the tiny task: listed, stopped by its budget, gone on with, archived, drawn."""

import contextlib
import io
import json

import pytest

from gpae.cli import main
from gpae.runs.deadline import Deadline
from gpae.runs.session import Failure, Outcome
from gpae.studies import work as work_module
from gpae.studies.archive import read_archive
from gpae.studies.rates import device_kind

pytestmark = pytest.mark.usefixtures("compile_quickly")


@pytest.fixture
def study_command(small, tmp_path):
    """The command on the small study in this process: exit code, output and errors."""

    def run(*words):
        places = ["--root", tmp_path / "runs", "--results", tmp_path / "results"]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(word) for word in ("study", small, *places, *words)])
        return code, out.getvalue(), err.getvalue()

    return run


STOPPED = Outcome(False, True, "the budget is spent", 0, 0, "hit", None, None)


@pytest.fixture
def calls(monkeypatch):
    """The seeds of each call that trains, with something that happens instead if it is given."""
    made, train = [], work_module.train_packed
    happens = {}

    def recorded(runs, console, deadline=None):
        made.append([(folder.config["method"]["eta"], config.seed) for config, folder in runs])
        if (instead := happens.get(len(made))) is not None:
            return instead(runs, console, deadline)
        return train(runs, console, deadline=deadline)

    monkeypatch.setattr(work_module, "train_packed", recorded)
    return made, happens, train


def test_a_dry_run_lists_the_runs_and_trains_none(study_command, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")
    code, out, err = study_command("--dry-run")
    assert (code, err) == (0, "")
    lines = [line.split() for line in out.splitlines()]
    assert lines[1] == ["1", "toy/beacon", "two", "0", "of", "1", "320", "unknown"]
    assert lines[4] == ["2", "toy/beacon", "odd", "0", "of", "2", "640", "unknown"]
    assert "6 runs, 1,920 env steps left on" in out
    assert "6 runs of unknown rate" in out
    assert not (tmp_path / "runs").exists()
    assert not (tmp_path / "results").exists()


def test_the_time_left_follows_from_archived_runs_on_the_same_device(
    study_command, archived, plan, monkeypatch
):
    monkeypatch.setenv("COLUMNS", "120")
    from gpae.studies.archive import Sitting

    archived(plan.cells[0], 0, [0.5], sittings=(Sitting(device_kind(), 960, 60.0, 2),))
    out = study_command("--dry-run", "--only", "one")[1]
    assert "1 of 2" in out
    assert "1 runs, 320 env steps left" in out
    assert out.splitlines()[-1].endswith(": 20s")


@pytest.mark.slow
def test_a_study_stops_by_its_budget_goes_on_and_ends_with_a_table(
    study_command, calls, tmp_path, monkeypatch
):
    made, happens, train = calls

    def spend(runs, console, deadline):
        monkeypatch.setattr(Deadline, "left", -1.0)
        return train(runs, console, deadline=deadline)

    happens[2] = spend
    code, out, err = study_command("--budget", "1h")
    assert (code, err) == (0, "")
    assert made == [[(1.02, 0)], [(1.5, 0), (1.5, 1), (1.02, 0), (1.02, 1)]]
    assert "stopped with 5 runs unfinished, as the budget of 1h is spent; go on with: gpae" in out
    assert len(read_archive(tmp_path / "results")) == 1
    monkeypatch.undo()
    code, out, err = study_command()
    assert (code, err) == (0, "")
    assert "small.yaml: 1 of 6 runs finished" in out.replace(str(tmp_path) + "/", "")
    assert "all runs are finished" in out
    runs = read_archive(tmp_path / "results")
    assert {run.evaluations[-1]["env_steps"] for run in runs} == {320}
    assert {run.record.sittings[-1].env_steps for run in runs} == {320}
    table = (tmp_path / "results/small/table.md").read_text()
    assert table.count("| toy/beacon |") == 3
    assert "Nothing is missing." in table
    assert (tmp_path / "results/small/curves.png").stat().st_size > 10_000
    assert "6 of 6 runs finished" in study_command()[1]


@pytest.mark.slow
def test_a_run_that_diverged_is_told_apart_and_the_others_finish(study_command, calls, tmp_path):
    made, happens, train = calls

    def diverge(runs, console, deadline):
        diverged = Failure("training has diverged: loss not finite", 3)
        return [*train(runs[:1], console, deadline=deadline), diverged]

    happens[1] = diverge
    code, out, err = study_command("--only", "one")
    assert (code, err) == (0, "")
    assert made == [[(1.5, 0), (1.5, 1)]]
    assert "toy/beacon one seed 1: training has diverged: loss not finite" in out
    first, second = sorted(read_archive(tmp_path / "results"), key=lambda run: run.record.seed)
    assert first.record.diverged is None
    assert second.record.diverged == "training has diverged: loss not finite"
    assert "1, 1 diverged" in (tmp_path / "results/small/table.md").read_text()


@pytest.mark.slow
def test_a_run_that_finished_before_a_kill_is_archived_at_the_next_start(
    study_command, calls, tmp_path
):
    made, happens, train = calls

    class KilledError(Exception):
        pass

    def killed(runs, console, deadline):
        train(runs, console, deadline=deadline)
        raise KilledError

    happens[1] = killed
    with pytest.raises(KilledError):
        study_command("--only", "one", "--seeds", "1")
    assert read_archive(tmp_path / "results") == []
    assert "1 of 1 runs finished" in study_command("--only", "one", "--seeds", "1")[1]
    assert len(made) == 1


@pytest.mark.slow
def test_a_scaled_study_is_kept_apart_and_says_so(study_command, tmp_path):
    assert study_command("--only", "one", "--seeds", "1", "--scale", "0.5")[0] == 0
    assert read_archive(tmp_path / "results") == []
    (run,) = read_archive(tmp_path / "results", 0.5)
    assert run.evaluations[-1]["env_steps"] == 160
    assert json.loads((run.folder.path / "study.json").read_text())["scale"] == 0.5
    table = (tmp_path / "results/small/scale_0.5/table.md").read_text()
    assert "Scaled: 0.5 times the study's environment steps; no results." in table
    assert not (tmp_path / "results/small/table.md").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--budget", "soon"], "'soon' is not a duration"),
        (["--scale", "0"], "'0' is not a positive number"),
        (["--seeds", "0"], "'0' is not a whole number from 1"),
        (["--only", "three"], "no task and row of the study fits --only three"),
    ],
)
def test_wrong_arguments_are_refused_in_a_line(words, said, study_command, tmp_path):
    code, out, err = study_command(*words)
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert said in line
    assert not (tmp_path / "results").exists()


def test_the_overhead_study_shows_the_benchmarks_file(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["study", "overhead"]) == 2
    assert "overhead.json is missing: `python -m benchmarks.overhead`" in capsys.readouterr().err
    folder = tmp_path / "benchmarks" / "results"
    folder.mkdir(parents=True)
    (folder / "overhead.json").write_text('{"reference": "A", "seconds": {"A": [1], "B": [2]}}')
    assert main(["study", "overhead"]) == 0
    assert "| B | +100.0 % |" in capsys.readouterr().out


@pytest.mark.parametrize(("left", "begun"), [(5.0, 0), (7.0, 1)])
def test_no_program_is_begun_in_the_last_tenth_of_a_budget(
    left, begun, study_command, calls, monkeypatch
):
    made, happens, _ = calls

    def spend(runs, console, deadline):
        monkeypatch.setattr(Deadline, "left", 0.0)
        return [STOPPED for _ in runs]

    happens[1] = spend
    monkeypatch.setattr(Deadline, "left", left)
    code, out, _ = study_command("--budget", "1m", "--only", "one")
    assert (code, len(made)) == (0, begun)
    assert "stopped with 2 runs unfinished, as the budget of 1m is spent; go on with" in out
