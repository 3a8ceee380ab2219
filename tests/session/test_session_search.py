"""Searches on a toy task: rung by rung, the same after a stop, a kill or a spent budget."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

pytest.importorskip("optuna", reason="the extra `search` is not installed")

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("toy_task.py")
SPACE = ("update.learning_rate=log(1e-4,1e-1)", "update.entropy_coefficient=choice(0,0.03)")
NUMBERS = ("--trials", "5", "--batch", "3", "--seeds", "2", "--rungs", "2", "--reduction", "2")
RUNGS = ("192", "320")


@pytest.fixture(scope="module")
def words(small):
    return ["search", *small(), *SPACE, *NUMBERS]


@pytest.fixture(scope="module")
def uninterrupted(gpae, words, tmp_path_factory):
    folder = tmp_path_factory.mktemp("searches") / "search"
    return folder, gpae(*words, "--folder", folder)


def trials(folder):
    return json.loads((folder / "trials.json").read_text())


def test_the_better_half_of_a_batch_goes_on(uninterrupted):
    folder, result = uninterrupted
    assert (result.code, result.err) == (0, "")
    found = sorted(trials(folder), key=lambda trial: trial["number"])
    assert [trial["batch"] for trial in found] == [1, 1, 1, 2, 2]
    assert [trial["running"] for trial in found] == [False] * 5
    for batch, kept in ((1, 2), (2, 1)):
        members = [trial for trial in found if trial["batch"] == batch]
        ranked = sorted(members, key=lambda trial: -trial["values"][RUNGS[0]])
        assert all(trial["complete"] and RUNGS[1] in trial["values"] for trial in ranked[:kept])
        assert not any(trial["complete"] or RUNGS[1] in trial["values"] for trial in ranked[kept:])
    assert "batch 1, rung 2 of 2: 2 seeds of 2 trials to 320 env steps" in result.out


def test_a_trials_value_is_the_mean_of_the_last_evaluations_over_seeds(uninterrupted, evaluations):
    folder, _ = uninterrupted
    for trial in trials(folder):
        runs = sorted((folder / "trials" / f"{trial['number']:04d}").iterdir())
        assert [run.name for run in runs] == ["seed1000", "seed1001"]
        records = [evaluations(run) for run in runs]
        assert not any(record["absolute"] for run in records for record in run)
        for rung in trial["values"]:
            means = [
                [np.mean(r["hit"]) for r in run if 0 < r["env_steps"] <= int(rung)][-3:]
                for run in records
            ]
            assert trial["values"][rung] == pytest.approx(np.mean([np.mean(m) for m in means]))


def test_the_best_trial_is_a_file_of_settings(uninterrupted, gpae, tmp_path):
    folder, result = uninterrupted
    best = max(
        (trial for trial in trials(folder) if trial["complete"]),
        key=lambda trial: (trial["values"][RUNGS[1]], -trial["number"]),
    )
    values = yaml.safe_load((folder / "best.yaml").read_text())
    assert values["update"]["learning_rate"] == best["parameters"]["update.learning_rate"]
    assert values.keys().isdisjoint({"seed", "run"})
    assert values["evaluation"]["absolute"]
    shown = gpae("train", "--cfg", "--settings", folder / "best.yaml", "seed=3")
    assert (shown.code, shown.err) == (0, "")
    printed = yaml.safe_load(shown.out)
    assert printed["seed"] == 3
    assert printed["update"] == values["update"]
    assert trials(folder)[0]["number"] == best["number"]
    assert f"--settings {folder / 'best.yaml'}" in result.out


def test_an_ended_search_is_left_alone(uninterrupted, gpae):
    folder, _ = uninterrupted
    before = trials(folder)
    again = gpae("search", "--folder", folder)
    assert (again.code, again.err) == (0, "")
    assert "rung" not in again.out
    assert trials(folder) == before


@pytest.mark.exhaustive
def test_stop_then_continue_equals_straight(
    uninterrupted, gpae, words, before_call, monkeypatch, tmp_path
):
    folder = tmp_path / "search"
    before_call(8, lambda: os.kill(os.getpid(), signal.SIGTERM))
    stopped = gpae(*words, "--folder", folder)
    assert (stopped.code, stopped.err) == (0, "")
    assert f"stopped; continue with: gpae search --folder {folder}" in stopped.out
    assert not (folder / "trials.json").exists()
    monkeypatch.undo()
    assert gpae("search", "--folder", folder).code == 0
    assert trials(folder) == trials(uninterrupted[0])


def test_kill_then_continue_equals_straight(
    uninterrupted, gpae, words, child_environment, tmp_path
):
    folder = tmp_path / "search"
    command = [sys.executable, str(SCRIPT), *words, "--folder", str(folder)]
    with subprocess.Popen(
        command, env=child_environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as child:
        journal = folder / "optuna.log"
        deadline = time.monotonic() + 120
        while not (journal.exists() and b'"step":192' in journal.read_bytes()):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        child.kill()
    with journal.open("ab") as file:
        file.write(b'{"op_code":')
    assert not (folder / "trials.json").exists()
    result = gpae("search", "--folder", folder)
    assert (result.code, result.err) == (0, "")
    assert trials(folder) == trials(uninterrupted[0])


def test_a_spent_budget_stops_and_more_trials_may_be_asked_for(
    uninterrupted, gpae, words, tmp_path
):
    folder = tmp_path / "search"
    stopped = gpae(*words, "--folder", folder, "--budget", "0.001s", "--trials", "2")
    assert (stopped.code, stopped.err) == (0, "")
    assert "stopped, as the budget of 0.001s is spent; continue with: gpae search" in stopped.out
    assert gpae("search", "--folder", folder, "--trials", "3").code == 0
    of_three = sorted(trials(folder), key=lambda trial: trial["number"])
    assert len(of_three) == 3
    straight = sorted(trials(uninterrupted[0]), key=lambda trial: trial["number"])
    assert [t["parameters"] for t in of_three[:2]] == [t["parameters"] for t in straight[:2]]


def test_another_search_in_the_same_folder_is_refused(uninterrupted, gpae, contents):
    folder, _ = uninterrupted
    before = contents(folder)
    for words, line in (
        (["discount=log(0.8,0.9)"], "holds a search with other words: task=toy/beacon"),
        (["--seeds", "3"], "holds a search with other seeds: 2; leave them out to go on"),
    ):
        result = gpae("search", *words, "--folder", folder)
        assert result.code == 2
        assert line in result.err
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (["update.learning_rate=lg(1,2)"], "there is no space 'lg'"),
        (["update.learning_rate=log(-1,2)"], "a logarithmic space begins above 0"),
        (["method.eta=uniform(-1,2)"], "method.eta=-1.0 must be positive"),
        (["update.learnin_rate=log(1,2)"], "no setting 'update.learnin_rate'"),
        (["method.beta=uniform(0,1)"], "method.beta has no meaning with method=gpae"),
        (["update.epochs=choice(1,2)", "evaluation.episodes=0"], "a search compares evaluations"),
        ([], "say what to search for"),
        (["update.epochs=int(1,2)", "--trials", "0"], "'0' is not a whole number from 1"),
        (["update.epochs=int(1,2)", "--budget", "soon"], "'soon' is not a duration"),
    ],
)
def test_what_cannot_be_searched_is_one_line_and_nothing_is_written(
    asked, line, gpae, contents, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    result = gpae("search", *(["task=toy/beacon"] if asked else []), *asked)
    assert result.code == 2
    assert line in result.err
    assert result.err.count("\n") == 1
    assert contents(tmp_path) == {}
