"""The scripts in benchmarks/: rates without start-up, kernels that agree, a foreign script."""

import argparse
import json
import os
import runpy
import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import ClassVar

import jax
import numpy as np
import pytest

from benchmarks.harness import alternation
from benchmarks.harness.documents import read_document
from benchmarks.harness.scripts import run_script
from gpae.errors import UserError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def compare(script, monkeypatch):
    """The script with runs of made-up lengths: a start-up, and so many steps a second."""
    module, calls = script("compare"), []
    pace = {"ours {steps}": (20.0, 500.0), "theirs {steps}": (5.0, 200.0)}

    def run_seconds(template, steps):
        calls.append((template.split()[0], steps))
        startup, rate = pace[template]
        return startup + steps / rate

    monkeypatch.setattr(module, "run_seconds", run_seconds)
    return module, calls


def test_rates_do_not_depend_on_start_up(compare, tmp_path, monkeypatch, capsys):
    module, _ = compare
    output = tmp_path / "compare.json"
    words = ["--ours", "ours {steps}", "--against", "theirs {steps}"]
    words += ["--steps", "100", "1100", "--pairs", "2", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["compare.py", *words])
    module.compare(module.arguments())
    pairs = read_document(output)["pairs"]
    assert [pair["ours"]["rate"] for pair in pairs] == pytest.approx([500.0, 500.0])
    assert [pair["against"]["rate"] for pair in pairs] == pytest.approx([200.0, 200.0])
    assert pairs[0]["ours"]["short"] == pytest.approx(20.2)
    assert "pair 2: ours 500, against 200 env steps/s, ratio 2.50" in capsys.readouterr().out


def test_sides_alternate_and_change_order(compare):
    module, calls = compare
    templates = {"ours": "ours {steps}", "against": "theirs {steps}"}
    for number in (1, 2):
        assert list(module.measure_pair(templates, 1, 2, number)) == ["ours", "against"]
    first, second = [("ours", 1), ("ours", 2)], [("theirs", 1), ("theirs", 2)]
    assert calls == [*first, *second, *second, *first]


def test_runs_that_do_not_grow_longer_are_refused(script, monkeypatch):
    module = script("compare")
    monkeypatch.setattr(module, "run_seconds", lambda template, steps: 3.0)
    with pytest.raises(UserError, match="2 steps took no longer than 1"):
        module.steady("x", 1, 2)


def test_commands_get_steps_a_folder_and_no_cache(script, tmp_path):
    code = (
        "import os, sys; "
        "assert os.environ['JAX_ENABLE_COMPILATION_CACHE'] == 'false'; "
        "assert os.path.isdir(sys.argv[2]); "
        f"open({str(tmp_path / 'told')!r}, 'w').write(sys.argv[1])"
    )
    template = f'{sys.executable} -c "{code}" steps={{steps}} {{folder}}'
    assert script("compare").run_seconds(template, 640) > 0.0
    assert (tmp_path / "told").read_text() == "steps=640"


def test_a_command_that_fails_says_why(script):
    template = f"{sys.executable} -c \"import sys; sys.exit('no such map')\""
    with pytest.raises(UserError, match="failed with code 1: no such map"):
        script("compare").run_seconds(template, 1)


@pytest.mark.parametrize("template", ["", "run {steps.none}", "run {steps[0]}", "run {other}"])
def test_a_template_that_is_no_command_is_refused(script, template):
    with pytest.raises(UserError, match=r"is no command with places for \{steps\}"):
        script("compare").run_seconds(template, 1)


def test_a_script_measures_nothing_where_it_could_not_write(tmp_path, capsys):
    def measure(parsed):
        pytest.fail("measured")

    assert run_script(measure, lambda: argparse.Namespace(output=tmp_path)) == 2
    assert f"cannot write {tmp_path}: Is a directory" in capsys.readouterr().err


def test_a_family_without_tasks_is_refused(script, monkeypatch, tmp_path):
    module = script("memory")
    words = ["memory.py", "--family", "smacks/", "--output", str(tmp_path / "memory.json")]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(UserError, match="no task's name begins with 'smacks/'"):
        module.measure(module.arguments())


WRONG_WORDS = {
    "compare": ["--against", "no-such-program", "--ours", "no-such-program"],
    "estimators": ["--calls", "0"],
    "gpu": ["no-such-cases.json"],
    "learning": ["--against", "no-such-program", "--ours", "no-such-program"],
    "memory": ["method=none"],
    "recurrence": ["--large"],
    "scaling": ["sideways"],
    "seeds": ["--seeds", "0"],
}
"""Words of the scripts that need no process of their own to refuse them."""


@pytest.mark.parametrize("name", WRONG_WORDS)
def test_what_a_user_gets_wrong_is_told_in_a_line(script_path, monkeypatch, capsys, tmp_path, name):
    output = tmp_path / "results.json"
    words = [*WRONG_WORDS[name], "--output", str(output)]
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *words])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(script_path(name)), run_name="__main__")
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said
    assert "Traceback" not in said
    assert not output.exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["compiler", "overhead"])
def test_what_goes_wrong_in_a_trainings_process_is_told_in_a_line(tmp_path, name):
    words = ["method=none", "--output", tmp_path / "results.json"]
    result = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "results.json").exists()


def test_our_command_is_a_configuration_that_can_be(script):
    from gpae.config.compose import compose

    words = script("compare").OURS.format(steps=2**16, folder="/folder").split()
    assert words[:2] == ["gpae", "train"]
    config = compose(words[2:])
    assert config.total_env_steps == 2**16
    assert config.run.folder == "/folder/run"
    assert not config.evaluation.absolute


@pytest.mark.slow
def test_grids_of_scaling_can_be(script):
    from benchmarks.harness.grid import expand

    module = script("scaling")
    counts = {name: len(expand([*grid, *module.COMMON])) for name, grid in module.CURVES.items()}
    assert counts == {"agents": 6, "environments": 5, "window": 5, "devices": 2}


@pytest.mark.parametrize("kernel", ["GAE of the team", "GPAE, on-policy"])
def test_kernels_that_are_compared_compute_the_same(script, kernel):
    module = script("estimators")
    window = module.make_window(steps=20, environments=3, agents=2)
    ours, theirs = (jax.jit(run)(window) for run in module.KERNELS[kernel])
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-4)


def test_v_trace_has_the_shapes_of_ours(script):
    module = script("estimators")
    window = module.make_window(steps=20, environments=3, agents=2)
    ours, theirs = (
        jax.tree.leaves(jax.eval_shape(run, window))
        for run in module.KERNELS["GPAE, double traces and targets, against V-trace"]
    )
    assert {leaf.shape for leaf in ours} == {leaf.shape for leaf in theirs} == {(20, 3, 2)}


@pytest.mark.slow
def test_forms_of_the_recurrence_are_measured_and_a_failure_is_told(
    script, monkeypatch, tmp_path, capsys
):
    def broken(*_):
        raise ValueError("no such form")

    module = script("recurrence")
    monkeypatch.setattr(module, "FORMS", module.FORMS | {"broken": broken})
    output = tmp_path / "recurrence.json"
    monkeypatch.setattr(sys, "argv", ["recurrence.py", "--tiny", "--output", str(output)])
    module.measure(module.arguments())
    shapes = read_document(output)["shapes"]
    assert len(shapes) == len(module.TINY)
    for results in shapes.values():
        assert results.pop("broken")["error"] == "ValueError: no such form"
        assert len(results) == 6
        for result in results.values():
            assert max(result["errors"].values()) < 2e-6
            assert result["first step alone"] < 1e-6
    assert "broken: ValueError: no such form" in capsys.readouterr().out


@pytest.mark.slow
def test_cases_are_measured_alone_and_one_that_fails_is_told(script, monkeypatch, tmp_path):
    small = ["task=jaxmarl/switch_riddle", "network.core=feedforward", "network.hidden_size=16"]
    rollout = ["method=mappo", "rollout.environments=8", "rollout.steps=16"]
    cases = [
        {"name": "two", "overrides": [*small, *rollout], "runs": 2, "phases": 1},
        {"name": "no method", "overrides": [*small, "method=none"]},
    ]
    (tmp_path / "cases.json").write_text(json.dumps(cases))
    words = [tmp_path / "cases.json", "--repeats", 2, "--output", tmp_path / "gpu.json"]
    monkeypatch.setattr(sys, "argv", ["gpu.py", *map(str, words)])
    module = script("gpu")
    module.main(module.arguments())
    found = {case["name"]: case for case in read_document(tmp_path / "gpu.json")["cases"]}
    assert "no method 'none'" in found["no method"]["failure"]
    assert found["two"]["env_steps"] == 2 * 8 * 16
    assert len(found["two"]["updates"]) == 2
    assert set(found["two"]["phases"]) == {"collect", "estimate", "update"}


FOREIGN = """
import os
import hydra
import wandb
import jax

@hydra.main(version_base=None, config_path="config", config_name="settings")
def main(config):
    assert jax.local_device_count() == 1
    assert not any(name in os.environ for name in ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES"))
    wandb.init(project="none", mode="online")
    wandb.log({"env_step": jax.numpy.int32(config.TOTAL_TIMESTEPS), "win_rate": 0.5})
    wandb.log({"map": config.MAP_NAME == "3m", "seed": config.SEED, "envs": config.NUM_ENVS})

if __name__ == "__main__":
    main()
"""


@pytest.mark.slow
def test_a_foreign_script_runs_as_it_stands_and_reports_to_a_file(script_path, tmp_path):
    foreign = tmp_path / "other" / "train.py"
    (foreign.parent / "config").mkdir(parents=True)
    foreign.write_text(FOREIGN)
    (foreign.parent / "config/settings.yaml").write_text(
        "MAP_NAME: 2s3z\nTOTAL_TIMESTEPS: 1e7\nSEED: 0\nNUM_ENVS: 128\n"
    )
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(
        [
            *(sys.executable, script_path("jaxmarl_baseline"), foreign, "NUM_ENVS=16"),
            *("--map", "3m", "--steps", "640", "--seed", "3", "--log", work / "log.jsonl"),
        ],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        cwd=work,
        check=True,
    )
    lines = [json.loads(line) for line in (work / "log.jsonl").read_text().splitlines()]
    assert lines == [
        {"env_step": 640.0, "win_rate": 0.5},
        {"map": 1.0, "seed": 3.0, "envs": 16.0},
    ]
    assert [entry.name for entry in work.iterdir()] == ["log.jsonl"]


@pytest.mark.slow
def test_variants_ask_for_the_same_gradient_steps_and_batches(script):
    """Only so are their times the cost of credit and of reuse."""
    from gpae.config.compose import compose

    module, asked = script("overhead"), set()
    for words in module.VARIANTS.values():
        config = compose([*module.COMMON, *words.split()])
        rollout, update = config.rollout, config.update
        assert config.window.mode == "constant_batch"
        asked.add((rollout.environments, rollout.steps, update.epochs, update.minibatches))
    assert len(asked) == 1


class Turns:
    """In the place of a training: updates of one second, and whose turn each was."""

    taken: ClassVar[list[str]] = []
    devices = ("fake",)

    def __init__(self, overrides):
        self.name = overrides[-1]

    def update(self):
        self.taken.append(self.name)
        return 1.0


def in_this_process(make):
    """In the place of a training's own process."""
    return nullcontext(make())


@pytest.fixture
def overhead(script, monkeypatch):
    """The script with made-up trainings, and whose turn it was."""
    module = script("overhead")
    monkeypatch.setattr(Turns, "taken", [])
    monkeypatch.setattr(module, "Training", Turns)
    monkeypatch.setattr(alternation, "TrainingProcess", in_this_process)
    return module, Turns.taken


def test_variants_take_turns_at_going_first(overhead, monkeypatch, tmp_path):
    module, taken = overhead
    monkeypatch.setattr(module, "VARIANTS", {module.REFERENCE: "a=1", "other": "a=2"})
    output = tmp_path / "overhead.json"
    words = ["--rounds", "3", "--warmup", "1", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["overhead.py", *words])
    module.measure(module.arguments())
    assert taken == ["a=1", "a=2", "a=1", "a=2", "a=2", "a=1", "a=1", "a=2"]
    assert read_document(output)["seconds"] == {module.REFERENCE: [1.0] * 3, "other": [1.0] * 3}


@pytest.mark.slow
def test_programs_are_compared_on_all_cores(tmp_path):
    folders = [ROOT, Path(__file__).parent]
    code = "import sys; sys.path[:0] = {}\n{}".format(
        list(map(str, folders)),
        "import conftest\n"
        "from benchmarks import compiler\n"
        "compiler.COMMON = ['task=jaxmarl/switch_riddle', *conftest.TINY[1:]]\n"
        "compiler.OPTIONS = {compiler.REFERENCE: {}}\n"
        "compiler.measure(compiler.arguments())",
    )
    output = tmp_path / "compiler.json"
    words = ["window.length=1", "network.core=feedforward"]
    unset = ("XLA_FLAGS", "JAX_NUM_CPU_DEVICES")
    subprocess.run(
        [sys.executable, "-c", code, *words, "--rounds", "1", "--output", str(output)],
        env={name: value for name, value in os.environ.items() if name not in unset},
        check=True,
    )
    (devices,) = read_document(output)["devices"].values()
    assert len(devices) == min(len(os.sched_getaffinity(0)), 4)


def test_a_variant_can_be_measured_without_the_others(overhead, monkeypatch, tmp_path):
    module, taken = overhead
    output = tmp_path / "overhead.json"
    words = ["--only", "GPAE, M = 1", "--rounds", "1", "--warmup", "0", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["overhead.py", *words])
    module.measure(module.arguments())
    assert taken == ["window.length=1"] * 2
    document = read_document(output)
    assert (
        list(document["variants"])
        == list(document["seconds"])
        == [
            module.REFERENCE,
            "GPAE, M = 1",
        ]
    )


def test_each_program_is_compiled_with_its_own_options(script, monkeypatch, tmp_path):
    from gpae.kernels.compiler import compiler_options
    from gpae.training import population

    module, told = script("compiler"), []

    class Training:
        devices = ()

        def __init__(self, overrides):
            pass

        def update(self):
            told.append(population.compiler_options())
            return 1.0

    options = {module.REFERENCE: {}, "none": None, "other": {"a": "1"}}
    monkeypatch.setattr(module, "Training", Training)
    monkeypatch.setattr(alternation, "TrainingProcess", in_this_process)
    monkeypatch.setattr(module, "OPTIONS", options)
    output = tmp_path / "compiler.json"
    monkeypatch.setattr(sys, "argv", ["compiler.py", "--rounds", "1", "--output", str(output)])
    module.measure(module.arguments())
    own = compiler_options()
    assert told[:3] == [own, {}, {**own, "a": "1"}]
    assert set(read_document(output)["seconds"]) == set(options)


def test_options_of_programs_are_known_to_the_compiler(script):
    for options in script("compiler").OPTIONS.values():
        assert jax.jit(lambda: 1.0, compiler_options=options)() == 1.0


class Systems:
    """In the place of a system: its population notes which states were taken a step further."""

    taken: ClassVar[list[object]] = []

    def __init__(self, config, seeds=None):
        self.population = self

    def initial_state(self, *seeds):
        return seeds if len(seeds) > 1 else seeds[0]

    def run(self, state, updates):
        self.taken.extend([state] * updates)
        return state, {}


def test_seeds_make_the_same_updates_alone_and_together(script, monkeypatch, tmp_path):
    module = script("seeds")
    monkeypatch.setattr(Systems, "taken", [])
    monkeypatch.setattr(module, "System", Systems)
    monkeypatch.setattr(module, "CASES", {"tiny": "window.length=1"})
    output = tmp_path / "seeds.json"
    words = ["--seeds", "3", "--rounds", "2", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["seeds.py", *words])
    module.measure(module.arguments())
    assert Systems.taken == [0, 1, 2, (0, 1, 2)] * 4
    seconds = read_document(output)["seconds"]["tiny, 3 seeds"]
    assert {name: len(times) for name, times in seconds.items()} == {"alone": 2, "together": 2}
