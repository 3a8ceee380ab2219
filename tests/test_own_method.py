"""The example of an own method: trained, resumed and evaluated from outside the package."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from gpae.runs import Checkpoints, RunFolder

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
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([*sys.path, str(path)])}
    command = [sys.executable, "-m", "gpae.cli", *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)


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


def stored(folder, step):
    """The arrays of a checkpoint of the run by name."""
    from gpae.config.compose import from_dict
    from gpae.runs.system import System

    sys.path.append(str(EXAMPLES))
    system = System(from_dict(RunFolder.open(folder).config))
    return Checkpoints(folder / "checkpoints").restore(system.snapshot_shapes(), step).state


def test_it_is_short():
    lines = (EXAMPLES / "own_method.py").read_text().splitlines()
    assert len(lines) < 90


def test_its_own_network_is_trained(run):
    first, last = stored(run, 0), stored(run, 6)
    assert sorted(last.params) == sorted(last.optimiser_states) == ["actor", "critic", "optimist"]
    for network in last.params:
        before, after = (
            np.concatenate([leaf.ravel() for leaf in _leaves(state.params[network])])
            for state in (first, last)
        )
        assert np.abs(after - before).max() > 1e-4, network
    assert all(record["loss/optimist"] > 0 for record in records(run))


def _leaves(tree):
    import jax

    return jax.tree.leaves(tree)


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
