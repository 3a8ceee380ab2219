import errno
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from gpae.errors import UserError
from gpae.runs import RunFolder, config_differences

CONFIG = {
    "seed": 0,
    "task": {"name": "smax/3m", "rules": "0.2"},
    "method": {"name": "gpae", "eta": 1.02, "layers": [64, 64]},
    "window": None,
}


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {
        str(entry.relative_to(folder)): entry.read_bytes() if entry.is_file() else None
        for entry in sorted(folder.rglob("*"))
    }


def test_create_then_open_gives_the_same_config(tmp_path: Path) -> None:
    RunFolder.create(tmp_path / "deep" / "run", CONFIG)
    run = RunFolder.open(tmp_path / "deep" / "run")
    assert run.config == CONFIG
    assert yaml.safe_load(run.config_path.read_text()) == CONFIG
    assert run.versions()["smax_rules"] == "0.2"


def test_every_path_lies_in_the_folder(tmp_path: Path) -> None:
    run = RunFolder(tmp_path, {})
    names = {
        run.config_path: "config.yaml",
        run.versions_path: "versions.json",
        run.metrics_path: "metrics.jsonl",
        run.evaluations_path: "evaluations.jsonl",
        run.checkpoints_path: "checkpoints",
        run.tensorboard_path: "tensorboard",
        run.curve_path: "curve.png",
        run.lock_path: "lock",
    }
    assert all(path == tmp_path / name for path, name in names.items())


def test_the_same_config_points_to_resume(tmp_path: Path) -> None:
    folder = tmp_path / "a run"
    RunFolder.create(folder, CONFIG)
    before = snapshot(folder)
    with pytest.raises(UserError, match=rf"use `gpae resume '{folder}'`") as refusal:
        RunFolder.create(folder, CONFIG)
    assert "\n" not in str(refusal.value)
    assert snapshot(folder) == before


def test_another_config_is_refused_and_its_differences_named(tmp_path: Path) -> None:
    RunFolder.create(tmp_path, CONFIG)
    before = snapshot(tmp_path)
    other = {
        "seed": 1,
        "task": {"name": "smax/1s1z", "rules": "0.2"},
        "method": {"name": "mappo", "layers": [64, 32]},
        "window": None,
    }
    with pytest.raises(UserError) as refusal:
        RunFolder.create(tmp_path, other)
    message = str(refusal.value)
    assert "(seed: 0 -> 1, task.name: smax/3m -> smax/1s1z, method.name: gpae -> mappo" in message
    assert message.endswith("and 2 more): choose another folder")
    assert snapshot(tmp_path) == before


def test_config_differences_name_absent_keys_and_lists() -> None:
    old = {"a": {"b": 1, "c": [1, 2]}, "only": True}
    new = {"a": {"b": 1, "c": [1, 3]}, "added": {"x": None}}
    assert config_differences(old, new) == [
        "a.c: [1, 2] -> [1, 3]",
        "only: True -> absent",
        "added.x: absent -> None",
    ]
    assert config_differences(old, old) == []


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("precious")
    before = snapshot(tmp_path)
    with pytest.raises(UserError, match="not empty and holds no run"):
        RunFolder.create(tmp_path, CONFIG)
    assert snapshot(tmp_path) == before


def test_a_file_in_place_of_the_folder_or_its_parent_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("precious")
    with pytest.raises(UserError, match="is a file: choose another folder"):
        RunFolder.create(file, CONFIG)
    with pytest.raises(UserError, match=r"cannot create a run in .*: Not a directory"):
        RunFolder.create(file / "run", CONFIG)
    assert snapshot(tmp_path) == {"file": b"precious"}


def test_no_write_permission_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, *args: object, **options: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UserError, match=r"cannot create a run in .*: Permission denied"):
        RunFolder.create(tmp_path / "run", CONFIG)
    assert snapshot(tmp_path) == {}


def test_a_disk_that_fills_up_during_creation_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if target.name == "config.yaml":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real_replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        RunFolder.create(tmp_path / "parent" / "run", CONFIG)
    assert snapshot(tmp_path) == {}


def test_what_an_interrupted_creation_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "versions.json").write_text("{}")
    (tmp_path / "lock").write_text("1\n")
    assert RunFolder.create(tmp_path, CONFIG).config == CONFIG
    assert json.loads((tmp_path / "versions.json").read_text())["python"]


def test_open_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        RunFolder.open(tmp_path / "absent")
    with pytest.raises(UserError, match=r"no config\.yaml and no versions\.json"):
        RunFolder.open(tmp_path)
    RunFolder.create(tmp_path / "run", CONFIG)
    (tmp_path / "run" / "versions.json").unlink()
    with pytest.raises(UserError, match=r"not a run: it has no versions\.json"):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize("damage", ["a: [1,", "just words", "!!python/object/apply:os.getcwd []"])
def test_a_damaged_or_executable_config_is_one_line(tmp_path: Path, damage: str) -> None:
    RunFolder.create(tmp_path, CONFIG)
    (tmp_path / "config.yaml").write_text(damage)
    with pytest.raises(UserError, match=r"config\.yaml is damaged") as refusal:
        RunFolder.open(tmp_path)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("damage", [b"\xff", b"5", b"[1]", b"{"])
def test_damaged_versions_are_one_line(tmp_path: Path, damage: bytes) -> None:
    run = RunFolder.create(tmp_path, CONFIG)
    run.versions_path.write_bytes(damage)
    with pytest.raises(UserError, match=r"versions\.json is damaged: it is not a JSON object"):
        run.versions()


def test_a_second_process_cannot_write_the_run(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, CONFIG)
    script = (
        "import sys, pathlib\n"
        "from gpae.runs.folder import RunFolder\n"
        "with RunFolder.open(pathlib.Path(sys.argv[1])).lock():\n"
        "    print('locked', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "locked\n"
        with pytest.raises(UserError, match=f"is in use by process {other.pid}$"), run.lock():
            pytest.fail("the lock was given twice")
        other.kill()
        other.wait()
    with run.lock():
        assert run.lock_path.read_text() == f"{os.getpid()}\n"


def test_the_lock_is_exclusive_within_a_process_and_released(tmp_path: Path) -> None:
    run = RunFolder.create(tmp_path, CONFIG)
    with run.lock():
        with pytest.raises(UserError, match=f"in use by process {os.getpid()}"), run.lock():
            pytest.fail("the lock was given twice")
        with pytest.raises(UserError, match="already holds this run"):
            RunFolder.create(tmp_path, CONFIG)
    with run.lock():
        pass


def test_locking_a_folder_without_write_permission_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = RunFolder.create(tmp_path, CONFIG)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(UserError, match=r"cannot write to .*: Permission denied"), run.lock():
        pytest.fail("the lock was given without write permission")


def test_the_rules_of_smax_in_the_configuration_are_recorded(tmp_path: Path) -> None:
    for name, rules in (("named", "0.1"), ("number", 0.1)):
        run = RunFolder.create(tmp_path / name, {"task": {"name": "smax/3m", "rules": rules}})
        assert run.versions()["smax_rules"] == "0.1"
    other = RunFolder.create(tmp_path / "other", {"task": {"name": "toy/beacon"}})
    assert other.versions()["smax_rules"] == "0.2"
