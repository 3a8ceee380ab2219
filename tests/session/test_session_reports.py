"""What a run shows and records besides its parameters: phases, modes, curves, evaluations."""

import json
import re
import runpy
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

PNG = b"\x89PNG\r\n"
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "runs.md").read_text()


@pytest.fixture(scope="session")
def profiled(gpae, small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("profiled") / "run"
    words = small(
        method="mappo", profile="true", evaluation__mode="both", evaluation__absolute="false"
    )
    return folder, gpae("train", *words, f"run.folder={folder}")


def test_profiling_times_each_phase_of_each_update(profiled):
    folder, result = profiled
    assert (result.code, result.err) == (0, "")
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [record["update"] for record in lines] == list(range(1, 11))
    names = {"time/collect", "time/estimate", "time/update", "time/steps_per_second"}
    assert all(names <= record.keys() for record in lines)
    for record in lines:
        phases = record["time/collect"] + record["time/estimate"] + record["time/update"]
        assert 0 < phases <= 32 / record["time/steps_per_second"]


def test_every_metric_recorded_is_documented_and_no_other(profiled):
    lines = (profiled[0] / "metrics.jsonl").read_text().splitlines()
    recorded = set().union(*(json.loads(line) for line in lines))
    rows = "".join(re.findall(r"^\|([^|]+)\|", PAGE, re.M))
    documented = set(re.findall(r"`([a-z]+/[a-z_]+)`", rows))
    elsewhere = {
        "train/win_rate",
        "loss/reward_model",
        "update/reward_model_gradient_norm",
        "shaping/coefficient",
    }
    counters = {"update", "env_steps", "gradient_steps"}
    assert documented - elsewhere == recorded - counters - {"train/hit"}
    assert elsewhere <= documented


def test_the_table_of_phases_adds_up(profiled):
    rows = re.findall(r"(collect|estimate|update|all)\W+([\d.]+)\W+(\d+)%", profiled[1].out)
    assert [row[0] for row in rows] == ["collect", "estimate", "update", "all"]
    seconds = [float(row[1]) for row in rows]
    assert sum(seconds[:3]) == pytest.approx(seconds[3], abs=2e-3)
    assert rows[3][2] == "100"


def test_both_modes_are_evaluated_and_greedy_is_the_headline(profiled, evaluations):
    folder, result = profiled
    found = [(record["env_steps"], record["mode"]) for record in evaluations(folder)]
    steps = [0, 96, 192, 288, 320]
    assert found == [(step, mode) for step in steps for mode in ("greedy", "sampled")]
    assert not any(record["absolute"] for record in evaluations(folder))
    last = evaluations(folder)[-2]
    assert f"final hit {sum(last['hit']) / 4:.3f}" in result.out
    assert "absolute hit" not in result.out


def test_a_run_without_an_absolute_evaluation_is_complete(profiled, gpae, contents):
    folder, result = profiled
    before = contents(folder)
    again = gpae("resume", folder)
    assert again.out.splitlines() == result.out.splitlines()[-3:]
    assert contents(folder) == before


def test_plain_output_says_what_happens(straight):
    folder, result = straight("gpae")
    lines = result.out.splitlines()
    assert lines[0] == f"run folder {folder}"
    assert re.match(r"memory: window \d+\.\d KiB, whole state \d+\.\d KiB", lines[1])
    assert lines[2] == (
        "gpae on toy/beacon, seed 0: 10 updates of 32 env steps and 2 gradient steps on 2 devices"
    )
    said = [
        line for line in lines if re.match(r" +\d+ env steps   evaluation hit \d\.\d{3}$", line)
    ]
    assert [int(line.split()[0]) for line in said] == [0, 96, 192, 288, 320]
    assert lines[-2:] == [f"run folder {folder}", f"learning curve {folder / 'curve.png'}"]
    assert "" not in lines
    assert (folder / "curve.png").read_bytes().startswith(PNG)


def test_the_curve_is_of_the_metric_that_chose_the_best(straight, evaluations):
    from gpae.report.evaluations import Evaluations

    folder = straight("gpae")[0]
    assert {record["headline"] for record in evaluations(folder)} == {"hit"}
    assert Evaluations.load(folder).headline() == "hit"


def test_evaluate_plays_new_episodes_and_writes_nothing(straight, gpae, contents):
    folder = straight("recurrent gpae")[0]
    before = contents(folder)
    results = {
        words: gpae("evaluate", folder, "--episodes", "4", *words).out.splitlines()
        for words in [(), ("--seed", "0"), ("--seed", "1"), ("--best",), ("--checkpoint", "8")]
    }
    assert contents(folder) == before
    assert results[()][0] == f"{folder}, update 10, 4 greedy episodes"
    assert results[()] == results["--seed", "0"]
    assert results[()] != results["--seed", "1"]
    assert results["--checkpoint", "8"][0] == f"{folder}, update 8, 4 greedy episodes"
    names = [line.split()[0] for line in results[()][1:]]
    assert names == ["episode_length", "episode_return", "hit"]


def test_the_example_acts_with_what_was_learnt(straight):
    play = runpy.run_path(str(ROOT / "examples/play.py"))["play"]
    folder = straight("recurrent gpae")[0]
    total, length = play(folder, seed=3)
    assert (total, length) == play(folder, seed=3)
    assert 1 <= length <= 6
    assert -1e-6 <= total <= 1.2 * length + 1e-6


def test_evaluate_plays_many_episodes_a_part_at_a_time(straight, gpae, monkeypatch):
    from gpae.runs import session
    from gpae.training.evaluation import Evaluator

    played, lengths, evaluate = [], [], Evaluator.evaluate

    def counting(self, params, seed, counter, *, greedy):
        played.append((self.episodes, counter))
        episodes = evaluate(self, params, seed, counter, greedy=greedy)
        lengths.extend(episodes["episode_length"])
        return episodes

    monkeypatch.setattr(Evaluator, "evaluate", counting)
    monkeypatch.setattr(session, "EPISODES_AT_ONCE", 4)
    result = gpae("evaluate", straight("gpae")[0], "--episodes", "5")
    assert "5 greedy episodes" in result.out
    assert [episodes for episodes, _ in played] == [3, 3]
    assert played[1][1] == played[0][1] + 1
    assert np.mean(lengths[:5]) != np.mean(lengths)
    assert f"episode_length  mean {np.mean(lengths[:5]):.4f}" in result.out


def test_evaluate_the_best(straight, gpae, final_arrays):
    folder = straight("mappo")[0]
    best = int(final_arrays(folder)["best/update"])
    out = gpae("evaluate", folder, "--episodes", "4", "--best").out
    assert f"update {best}, 4 greedy episodes" in out


@pytest.fixture(scope="session")
def sweep(gpae, small, tmp_path_factory):
    root = tmp_path_factory.mktemp("sweep") / "runs"
    words = small(seed="0,1", run__population=1)
    result = gpae("train", "-m", *words, f"run.root={root}")
    return sorted(root.iterdir()), result


def test_a_sweep_is_one_run_for_each_combination(sweep, straight, same_end):
    folders, result = sweep
    assert (result.code, result.err) == (0, "")
    assert [folder.name[-5:] for folder in folders] == ["seed0", "seed1"]
    assert "run 1 of 2: " in result.out
    assert "run 2 of 2: " in result.out
    same_end(folders[0], straight("gpae")[0])


def test_seeds_differ(sweep, metrics):
    assert metrics(sweep[0][0]) != metrics(sweep[0][1])


def test_curves_and_the_export_for_marl_eval(sweep, gpae, evaluations, tmp_path):
    folders = sweep[0]
    picture, exported = tmp_path / "curves.png", tmp_path / "marl_eval.json"
    result = gpae("curves", *folders, "--output", picture, "--marl-eval", exported)
    assert (result.code, result.err) == (0, "")
    assert picture.read_bytes().startswith(PNG)
    runs = json.loads(exported.read_text())["toy"]["beacon"]["gpae"]
    assert runs.keys() == {"seed_0", "seed_1"}
    for seed, folder in enumerate(folders):
        run = runs[f"seed_{seed}"]
        counts = [run[f"step_{k}"]["step_count"] for k in range(5)]
        assert counts == [0, 96, 192, 288, 320]
        assert run["absolute_metrics"]["hit"] == evaluations(folder)[-1]["hit"]
        assert run["step_4"]["hit"] == evaluations(folder)[-2]["hit"]
