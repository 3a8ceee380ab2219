"""The example of an own method: trained, resumed and evaluated from outside the package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpae.runs import RunFolder

EXAMPLES = Path(__file__).parents[1] / "examples"
MODULES = ("own_environment", "own_method")
SMALL = (
    "task=mine/meeting",
    "method=optimistic_gpae",
    "window.length=2",
    "rollout.environments=8",
    "rollout.steps=8",
    "update.minibatches=1",
    "network.core=feedforward",
    "network.hidden_size=8",
    "evaluation.episodes=4",
    "evaluation.interval=128",
    "run.checkpoint_interval=64",
    "run.keep_checkpoints=9",
    "total_env_steps=192",
)
"""Six updates of 32 env steps; checkpoints after 0, 2, 4 and 6."""

pytestmark = pytest.mark.slow


def gpae(folder, *words, path=EXAMPLES):
    """The command line in a process of its own."""
    return python(folder, "-m", "gpae.cli", *words, path=path)


def python(folder, *words, path=EXAMPLES):
    """Python in a process of its own, with a folder more to import modules from."""
    places = filter(None, [os.environ.get("PYTHONPATH"), str(path)])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, env=environment
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own") / "run"
    imports = [word for module in MODULES for word in ("--import", module)]
    result = gpae(folder.parent, "train", *imports, *SMALL, f"run.folder={folder}")
    assert result.returncode == 0, result.stderr
    return folder


def records(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if not name.startswith("time/")}
        for line in lines
    ]


CHANGES = """
import json, pathlib, sys
import jax, numpy as np
from gpae.config.compose import from_dict
from gpae.runs import Checkpoints, RunFolder
from gpae.runs.system import System

run = RunFolder.open(pathlib.Path(sys.argv[1]))
shapes = System(from_dict(run.config)).snapshot_shapes()
first, last = (Checkpoints(run.checkpoints_path).restore(shapes, step).state for step in (0, 6))
changes = jax.tree.map(lambda old, new: float(np.abs(new - old).max()), first.params, last.params)
print(json.dumps({name: max(jax.tree.leaves(each)) for name, each in changes.items()}))
"""
"""A script that prints the largest change of each network's parameters."""


def test_it_is_short():
    lines = (EXAMPLES / "own_method.py").read_text().splitlines()
    assert len(lines) < 90


def test_its_own_network_is_trained(run, tmp_path):
    result = python(tmp_path, "-c", CHANGES, str(run))
    assert result.returncode == 0, result.stderr
    changes = json.loads(result.stdout)
    assert sorted(changes) == ["actor", "critic", "optimist"]
    assert min(changes.values()) > 1e-4
    assert all(record["loss/optimist"] > 0 for record in records(run))


def test_the_run_remembers_its_modules(run):
    assert RunFolder.open(run).config["imports"] == list(MODULES)


def test_it_resumes_bit_for_bit_in_another_process(run, tmp_path):
    before = records(run)
    result = gpae(tmp_path, "resume", str(run), "--checkpoint", "2")
    assert result.returncode == 0, result.stderr
    assert records(run) == before


def test_it_is_evaluated_in_another_process(run, tmp_path):
    result = gpae(tmp_path, "evaluate", str(run), "--episodes", "3")
    assert result.returncode == 0, result.stderr
    assert "3 greedy episodes" in result.stdout


def test_without_its_modules_one_line_says_so(run, tmp_path):
    result = gpae(tmp_path, "evaluate", str(run), path=tmp_path)
    assert result.returncode == 2
    assert "the module own_environment cannot be imported" in result.stderr
    assert result.stderr.count("\n") == 1
