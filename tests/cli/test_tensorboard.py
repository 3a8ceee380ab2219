"""gpae tensorboard: the process that it starts, and one line where it cannot."""

import subprocess
import sys
from types import ModuleType

import pytest

from gpae.cli import main
from gpae.runs import RunFolder


@pytest.fixture
def runs(tmp_path):
    """Two runs with events and one without, in one folder."""
    made = [RunFolder.create(tmp_path / "runs" / name, {"seed": 0}) for name in "abc"]
    for run in made[:2]:
        run.tensorboard_path.mkdir()
    return [run.path for run in made]


@pytest.fixture
def started(monkeypatch):
    """The words of the processes that would be started."""
    words = []
    monkeypatch.setitem(sys.modules, "tensorboard", ModuleType("tensorboard"))
    monkeypatch.setattr(subprocess, "call", lambda line: words.append(line) or 0)
    return words


def test_a_folder_of_runs_is_watched_whole(runs, started, capsys):
    assert main(["tensorboard", str(runs[0].parent), "--port", "0"]) == 0
    program = [sys.executable, "-m", "tensorboard.main"]
    assert started == [[*program, "--logdir", str(runs[0].parent), "--port", "0"]]
    assert "note: 1 runs have no events" in capsys.readouterr().out


def test_several_folders_are_named_after_their_runs(runs, started):
    assert main(["tensorboard", str(runs[0]), str(runs[1])]) == 0
    named = f"a:{runs[0]}/tensorboard,b:{runs[1]}/tensorboard"
    assert started[0][3:] == ["--logdir_spec", named, "--port", "6006"]


def test_runs_without_events_are_one_line(runs, started, capsys):
    assert main(["tensorboard", str(runs[2])]) == 2
    assert "none of these runs has events" in capsys.readouterr().err
    assert started == []


def test_a_missing_tensorboard_is_one_line_that_names_the_extra(runs, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert main(["tensorboard", str(runs[0])]) == 2
    assert capsys.readouterr().err == (
        "gpae: gpae tensorboard needs TensorBoard, which is not installed: pip install "
        "'gpae[tensorboard]'\n"
    )
