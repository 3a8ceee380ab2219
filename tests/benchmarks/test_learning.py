"""Learning curves of two trainers: Welch's interval by hand, and runs made once."""

import json
import sys

import numpy as np
import pytest

from benchmarks.harness import table
from benchmarks.harness.documents import read_document
from benchmarks.harness.learning import Difference, average, read_curves
from gpae.errors import UserError


def write_lines(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def test_the_interval_is_welchs():
    """Variances 4 and 1 of three runs each: standard error sqrt(5 / 3), 50 / 17 degrees."""
    found = Difference.of([8.0, 10.0, 12.0], [4.0, 5.0, 6.0])
    degrees = (5 / 3) ** 2 / ((4 / 3) ** 2 / 2 + (1 / 3) ** 2 / 2)
    assert degrees == pytest.approx(50 / 17)
    half = 3.2188 * np.sqrt(5 / 3)  # the 97.5 % point of Student's t with 50 / 17 degrees
    assert found.mean == 5.0
    assert (found.high - 5.0, 5.0 - found.low) == pytest.approx((half, half), rel=1e-3)


def test_runs_that_are_all_alike_are_no_distance_apart():
    assert Difference.of([0.5, 0.5], [0.5, 0.5]) == Difference(0.0, 0.0, 0.0)


def test_the_interval_holds_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(0)
    draws = [
        Difference.of(list(generator.normal(1.0, 3.0, 4)), list(generator.normal(0.0, 1.0, 6)))
        for _ in range(2000)
    ]
    held = np.mean([each.low <= 1.0 <= each.high for each in draws])
    assert held == pytest.approx(0.95, abs=0.02)


def test_parts_of_a_curve():
    curve = [0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 2.0, 4.0]
    assert average(curve, "whole run") == pytest.approx(9 / 8)
    assert average(curve, "last quarter") == pytest.approx(3.0)


@pytest.mark.parametrize(
    "names", [("train/win_rate", "train/episode_return"), ("win_rate", "returns")]
)
def test_curves_of_either_kind_of_file(tmp_path, names):
    lines = [{names[0]: 0.25, names[1]: 1.5, "other": 7.0}, {names[0]: 0.5, names[1]: 2.5}]
    curves = read_curves(write_lines(tmp_path / "log.jsonl", lines))
    assert curves == {"training win rate": [0.25, 0.5], "training return": [1.5, 2.5]}


def test_files_without_a_curve_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no curve"):
        read_curves(tmp_path / "absent.jsonl")
    path = write_lines(tmp_path / "log.jsonl", [{"win_rate": 0.5}])
    with pytest.raises(UserError, match="no training return: it must be named train/episode_ret"):
        read_curves(path)


WRITER = (
    "import json, os, sys; seed, folder, name, log = sys.argv[1:]; "
    "path = os.path.join(folder, name); os.makedirs(os.path.dirname(path), exist_ok=True); "
    "open(log, 'a').write(name + seed + chr(10)); "
    "open(path, 'w').write(json.dumps(dict(win_rate=int(seed) / 10, returns=1.0)))"
)


@pytest.fixture
def arguments(tmp_path, monkeypatch):
    """The command line of two sides that write one update a run and say that they ran."""

    def give(*words):
        log = tmp_path / "made"
        commands = [
            f'{sys.executable} -c "{WRITER}; open(path, {chr(39)}a{chr(39)}).write(chr(10))" '
            f"{{seed}} {{folder}} {name} {log}"
            for name in ("run/metrics.jsonl", "log.jsonl")
        ]
        sides = ["--ours", commands[0], "--against", commands[1]]
        output = ["--output", str(tmp_path / "learning.json")]
        monkeypatch.setattr(sys, "argv", ["learning.py", *sides, *output, *words])
        return log, tmp_path / "learning.json"

    return give


def test_runs_are_made_once_and_seeds_can_be_added(script, arguments, capsys):
    module = script("learning")
    log, output = arguments("--seeds", "2")
    module.measure(module.arguments())
    arguments("--seeds", "3")
    module.measure(module.arguments())
    made = [f"{name}{seed}" for seed in range(3) for name in ("run/metrics.jsonl", "log.jsonl")]
    assert log.read_text().split() == made
    curves = read_document(output)["runs"]["2"]
    assert curves["ours"] == curves["against"]
    assert curves["ours"]["training win rate"] == [0.2]
    row = "| training win rate, whole run | 0.100 ± 0.100 | 0.100 ± 0.100 | +0.000 "
    assert row in table.render(read_document(output))
    assert row in capsys.readouterr().out


def test_runs_of_another_commit_are_not_mixed_in(script, arguments, monkeypatch):
    module = script("learning")
    _, output = arguments("--seeds", "2")
    module.measure(module.arguments())
    before = output.read_bytes()
    monkeypatch.setattr(module, "versions", lambda: {"git": {"commit": "f" * 40}})
    with pytest.raises(UserError, match="runs of another commit"):
        module.measure(module.arguments())
    assert output.read_bytes() == before


def test_runs_of_another_kind_are_not_mixed_in(script, arguments):
    module = script("learning")
    arguments("--seeds", "2")
    module.measure(module.arguments())
    _, output = arguments("--seeds", "2", "--steps", "5")
    before = output.read_bytes()
    with pytest.raises(UserError, match="holds other runs"):
        module.measure(module.arguments())
    assert output.read_bytes() == before


def test_our_runs_are_a_configuration_that_can_be(script):
    from gpae.config.compose import compose

    words = script("learning").OURS.format(steps=2**20, seed=3, folder="/folder").split()
    assert words[:2] == ["gpae", "train"]
    config = compose(words[2:])
    assert (config.total_env_steps, config.seed) == (2**20, 3)
    assert config.run.folder == "/folder/run"


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("no-such-program {seed}", "no-such-program cannot be run"),
        ("other {sed}", "no command with places for {steps}, {seed}, {folder}"),
        ("other {", "no command with places for {steps}, {seed}, {folder}"),
    ],
)
def test_commands_that_cannot_be(script, template, reason):
    with pytest.raises(UserError, match=reason):
        script("learning").make_run("ours", template, 1, 0)
