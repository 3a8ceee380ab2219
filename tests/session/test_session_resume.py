"""A run that was stopped or crashed and was resumed ends exactly like one that was not."""

import gc
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("toy_task.py")
NAMES = ["recurrent gpae", "mappo", "q_corrected"]


class SimulatedCrashError(Exception):
    pass


def crash():
    raise SimulatedCrashError


def terminate():
    os.kill(os.getpid(), signal.SIGTERM)


@pytest.mark.parametrize("name", NAMES)
def test_a_straight_run_evaluates_and_saves_when_due(
    name, straight, metrics, evaluations, final_arrays
):
    folder, result = straight(name)
    assert (result.code, result.err) == (0, "")
    assert [record["update"] for record in metrics(folder)] == list(range(1, 11))
    assert [record["env_steps"] for record in metrics(folder)] == list(range(32, 321, 32))
    assert [record["gradient_steps"] for record in metrics(folder)] == list(range(2, 21, 2))
    regular = [record for record in evaluations(folder) if not record["absolute"]]
    assert [record["env_steps"] for record in regular] == [0, 96, 192, 288, 320]
    assert {record["mode"] for record in regular} == {"greedy"}
    assert {len(record["hit"]) for record in regular} == {4}
    steps = sorted(path.name for path in (folder / "checkpoints").glob("*.json"))
    assert steps == ["000000000008.json", "000000000010.json"]
    assert int(final_arrays(folder)["state/clock/update"]) == 10


@pytest.mark.parametrize("name", NAMES)
def test_the_absolute_metric_is_of_the_best_parameters_on_ten_times_the_episodes(
    name, straight, evaluations, final_arrays
):
    folder, result = straight(name)
    *regular, absolute = evaluations(folder)
    assert absolute["absolute"]
    assert absolute["episodes"] == len(absolute["hit"]) == 40
    means = [sum(record["hit"]) / 4 for record in regular]
    best = regular[means.index(max(means))]["update"]
    arrays = final_arrays(folder)
    assert int(arrays["best/update"]) == best
    assert float(arrays["best/score"]) == max(means)
    assert f"of update {best}, on 40 episodes" in result.out
    assert f"absolute hit {sum(absolute['hit']) / 40:.3f}" in result.out
    assert f"final hit {means[-1]:.3f}" in result.out


@pytest.mark.parametrize("name", NAMES)
def test_stop_then_resume_equals_straight(
    name, gpae, words_of_straight, straight, same_end, before_call, monkeypatch, tmp_path
):
    folder = tmp_path / "run"
    before_call(4, terminate)
    stopped = gpae("train", *words_of_straight(name), f"run.folder={folder}")
    assert (stopped.code, stopped.err) == (0, "")
    assert "SIGTERM: finishing the current call" in stopped.out
    assert f"stopped at 192 env steps; continue with: gpae resume {folder}" in stopped.out
    assert (folder / "checkpoints" / "000000000006.json").exists()
    assert (folder / "curve.png").exists()
    monkeypatch.undo()
    resumed = gpae("resume", folder)
    assert (resumed.code, resumed.err) == (0, "")
    same_end(folder, straight(name)[0])
    assert resumed.out.splitlines()[-4:-2] == straight(name)[1].out.splitlines()[-4:-2]


def test_a_resumed_run_is_traced_once_and_without_garbage_collection(
    gpae, small, before_call, collected_when_traced, tmp_path
):
    before_call(4, terminate)
    gpae("train", *small(), f"run.folder={tmp_path / 'run'}")
    collected_when_traced.clear()
    assert gpae("resume", tmp_path / "run").code == 0
    assert collected_when_traced == [False]
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_finished_run_is_not_traced_again(gpae, straight, collected_when_traced):
    assert gpae("resume", straight("gpae")[0]).code == 0
    assert collected_when_traced == []


@pytest.mark.parametrize(
    "name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.exhaustive) for name in NAMES[1:])]
)
def test_crash_then_resume_equals_straight(
    name,
    gpae,
    words_of_straight,
    straight,
    same_end,
    metrics,
    evaluations,
    before_call,
    monkeypatch,
    tmp_path,
):
    folder = tmp_path / "run"
    before_call(6, crash)
    with pytest.raises(SimulatedCrashError):
        gpae("train", *words_of_straight(name), f"run.folder={folder}")
    assert metrics(folder)[-1]["update"] == evaluations(folder)[-1]["update"] == 6
    assert not (folder / "checkpoints" / "000000000006.json").exists()
    with (folder / "metrics.jsonl").open("a") as stream:
        stream.write('{"update": 7, "env')
    monkeypatch.undo()
    assert gpae("resume", folder).code == 0
    same_end(folder, straight(name)[0])


def test_crash_before_the_first_checkpoint_then_resume_equals_straight(
    gpae, small, straight, same_end, evaluations, monkeypatch, tmp_path
):
    from gpae.runs.session import Session

    folder = tmp_path / "run"
    monkeypatch.setattr(Session, "_save", lambda *_: crash())
    with pytest.raises(SimulatedCrashError):
        gpae("train", *small(), f"run.folder={folder}")
    assert [record["update"] for record in evaluations(folder)] == [0]
    monkeypatch.undo()
    assert gpae("resume", folder).code == 0
    same_end(folder, straight("gpae")[0])


def test_a_stop_while_starting_leaves_a_run_that_can_be_resumed(
    gpae, small, straight, same_end, monkeypatch, tmp_path
):
    from gpae.runs.system import System

    folder = tmp_path / "run"
    begin = System.initial_snapshot

    def interrupted(self, seed):
        terminate()
        return begin(self, seed)

    monkeypatch.setattr(System, "initial_snapshot", interrupted)
    stopped = gpae("train", *small(), f"run.folder={folder}")
    assert (stopped.code, stopped.err) == (0, "")
    assert "stopped at 0 env steps; continue with: gpae resume" in stopped.out
    assert not (folder / "evaluations.jsonl").exists()
    monkeypatch.undo()
    assert gpae("resume", folder).code == 0
    same_end(folder, straight("gpae")[0])


def test_going_back_to_an_earlier_checkpoint_ends_the_same(gpae, straight, same_end, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(straight("gpae")[0], folder)
    assert gpae("resume", folder, "--checkpoint", "8").code == 0
    same_end(folder, straight("gpae")[0])


def test_resuming_a_finished_run_repeats_its_results_and_changes_nothing(gpae, straight, contents):
    folder, result = straight("gpae")
    before = contents(folder)
    again = gpae("resume", folder)
    assert (again.code, again.err) == (0, "")
    assert again.out.splitlines() == result.out.splitlines()[-4:]
    assert contents(folder) == before


def test_a_missing_absolute_evaluation_is_made_up_for(gpae, straight, same_end, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(straight("gpae")[0], folder)
    lines = (folder / "evaluations.jsonl").read_bytes().splitlines(keepends=True)
    (folder / "evaluations.jsonl").write_bytes(b"".join(lines[:-1]))
    assert gpae("resume", folder).code == 0
    same_end(folder, straight("gpae")[0])


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        ("versions.json", '"jax": "', '"jax": "0.0.', r"jax: 0\.0\.\d"),
        ("config.yaml", "devices: 2", "devices: 4", "devices: 4 -> 2"),
    ],
)
def test_what_stands_in_the_way_of_bit_for_bit_is_said(
    file, old, new, said, gpae, straight, tmp_path
):
    folder = tmp_path / "run"
    shutil.copytree(straight("gpae")[0], folder)
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    result = gpae("resume", folder)
    assert result.code == 0
    assert re.search(f"note: may not continue bit for bit: .*{said}", result.out)


@pytest.mark.parametrize(
    ("call", "said"), [(0, "stopped at"), (9, "final hit")], ids=["its first", "its last"]
)
def test_a_sweep_stopped_in_one_of_a_runs_calls_begins_no_other_run(
    call, said, gpae, small, before_call, tmp_path
):
    before_call(call, terminate)
    words = small(seed="0,1,2", run__population=1)
    result = gpae("train", "-m", *words, f"run.root={tmp_path}/runs")
    assert result.code == 0
    assert "run 1 of 3" in result.out
    assert said in result.out
    assert "runs of the sweep not begun: 2" in result.out
    assert len(list((tmp_path / "runs").iterdir())) == 3
    assert len(list((tmp_path / "runs").glob("*/checkpoints"))) == 1


@pytest.mark.parametrize("name", ["SIGTERM", pytest.param("SIGINT", marks=pytest.mark.exhaustive)])
def test_a_signal_to_a_real_process(
    name, gpae, small, straight, same_end, child_environment, tmp_path
):
    folder = tmp_path / "run"
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "train", *small(), f"run.folder={folder}"],
        env=child_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(folder / "metrics.jsonl", process)
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert (process.returncode, err) == (0, "")
    assert f"{name}: finishing the current call" in out
    steps = int(re.search(r"stopped at (\d+) env steps", out)[1])
    assert 0 < steps < 320
    checkpoints = sorted(path.stem for path in (folder / "checkpoints").glob("*.json"))
    assert int(checkpoints[-1]) * 32 == steps
    resumed = subprocess.run(
        [sys.executable, str(SCRIPT), "resume", str(folder)],
        env={**child_environment, "TOY_PAUSE": "0"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert (resumed.returncode, resumed.stderr) == (0, "")
    same_end(folder, straight("gpae")[0])


def wait_for(path, process):
    deadline = time.monotonic() + 240
    while not (path.exists() and path.stat().st_size):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
