"""Run folders that cannot be used: one line, exit code 2, and everything as it was."""

import os
import shutil

import pytest

from gpae.environments import register, tasks
from gpae.errors import UserError

pytestmark = pytest.mark.slow


def refused(result):
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert result.err.startswith("gpae: ")
    assert "Traceback" not in result.err
    return result.err


def test_a_folder_with_another_configuration(gpae, small, straight, contents):
    folder = straight("gpae")[0]
    before = contents(folder)
    line = refused(gpae("train", *small(seed=3), f"run.folder={folder}"))
    assert "already holds a run with another configuration (seed: 0 -> 3)" in line
    assert contents(folder) == before


def test_a_folder_with_the_same_configuration(gpae, small, straight, contents):
    folder = straight("gpae")[0]
    before = contents(folder)
    line = refused(gpae("train", *small(), f"run.folder={folder}"))
    assert f"use `gpae resume {folder}` to continue it" in line
    assert contents(folder) == before


def test_a_folder_that_cannot_be_made(gpae, small, tmp_path, contents):
    (tmp_path / "file").write_text("in the way")
    refused(gpae("train", *small(), f"run.folder={tmp_path}/file/run"))
    assert contents(tmp_path) == {"file": b"in the way"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_write_permission(gpae, small, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    line = refused(gpae("train", *small(), f"run.folder={tmp_path}/locked/run"))
    assert "Permission denied" in line
    assert list((tmp_path / "locked").iterdir()) == []


def test_a_run_that_may_not_be_written(gpae, straight, tmp_path, monkeypatch, contents):
    folder = tmp_path / "run"
    shutil.copytree(straight("gpae")[0], folder)
    access = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: False if path == folder else access(path, mode)
    )
    before = contents(folder)
    assert "Permission denied" in refused(gpae("resume", folder))
    assert contents(folder) == before


def test_a_run_in_use(gpae, straight):
    from gpae.runs import RunFolder

    folder = straight("gpae")[0]
    with RunFolder.open(folder).lock():
        assert f"in use by process {os.getpid()}" in refused(gpae("resume", folder))


def test_a_setting_that_a_task_refuses_leaves_nothing(gpae, small, tmp_path, contents):
    line = refused(gpae("train", *small(), "task.bonus=2", f"run.root={tmp_path}/runs"))
    assert "task toy/beacon: bonus must be from 0 to 1, not 2" in line
    assert contents(tmp_path) == {}


def test_a_task_that_cannot_be_made_leaves_nothing(gpae, small, tmp_path, contents, monkeypatch):
    def factory():
        raise UserError("this task needs a simulator that is not installed")

    monkeypatch.setattr(tasks._TASKS, "_entries", tasks._TASKS.registered())
    register("toy/absent", factory)
    line = refused(gpae("train", *small(task="toy/absent"), f"run.root={tmp_path}/runs"))
    assert "needs a simulator" in line
    assert contents(tmp_path) == {}


@pytest.fixture
def copied(straight, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(straight("gpae")[0], folder)
    return folder


@pytest.mark.parametrize("command", ["resume", "evaluate"])
def test_a_checkpoint_cut_short(command, gpae, copied, contents):
    data = copied / "checkpoints" / "000000000010"
    largest = max((path for path in data.rglob("*") if path.is_file()), key=os.path.getsize)
    largest.write_bytes(largest.read_bytes()[:-1])
    before = contents(copied)
    line = refused(gpae(command, copied))
    assert "checkpoint 10" in line
    assert f"`gpae resume {copied} --checkpoint 8`" in line
    assert contents(copied) == before


def test_an_earlier_checkpoint_continues_where_the_newest_is_cut_short(
    gpae, copied, straight, same_end
):
    data = copied / "checkpoints" / "000000000010"
    shutil.rmtree(data)
    assert gpae("resume", copied, "--checkpoint", "8").code == 0
    same_end(copied, straight("gpae")[0])


@pytest.mark.parametrize("command", ["resume", "evaluate"])
def test_a_checkpoint_that_does_not_exist(command, gpae, copied, contents):
    before = contents(copied)
    line = refused(gpae(command, copied, "--checkpoint", "7"))
    assert "has no checkpoint 7, only 8, 10" in line
    assert contents(copied) == before


def test_a_run_without_any_checkpoint(gpae, copied, contents):
    shutil.rmtree(copied / "checkpoints")
    before = contents(copied)
    assert "has no complete checkpoint" in refused(gpae("evaluate", copied))
    assert "has no checkpoint 8, nor any other" in refused(
        gpae("resume", copied, "--checkpoint", "8")
    )
    assert contents(copied) == before


def test_a_damaged_record(gpae, copied):
    (copied / "evaluations.jsonl").write_text("not json\n")
    assert "is damaged: line 1" in refused(gpae("resume", copied))


def test_curves_of_runs_without_evaluations(gpae, copied, tmp_path):
    (copied / "evaluations.jsonl").unlink()
    line = refused(gpae("curves", copied, "--output", tmp_path / "curves.png"))
    assert "none of the runs holds an evaluation" in line


def test_curves_of_a_metric_that_was_not_recorded(gpae, copied, tmp_path):
    words = ["--metric", "win_rate", "--output", tmp_path / "curves.png"]
    assert "has an evaluation without win_rate" in refused(gpae("curves", copied, *words))
    assert not (tmp_path / "curves.png").exists()
