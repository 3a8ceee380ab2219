"""Sweeps by Hydra's own sweepers and launchers."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpae.config.compose import compose
from gpae.errors import UserError
from gpae.runs.sweeps import sweep

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).with_name("toy_task.py")

PLUGIN = """
from hydra._internal.core_plugins.basic_launcher import BasicLauncher
from hydra.core.config_store import ConfigStore


class Backwards(BasicLauncher):
    def launch(self, job_overrides, initial_job_idx):
        return super().launch(job_overrides[::-1], initial_job_idx)


node = {"_target_": "hydra_plugins.backwards.Backwards"}
ConfigStore.instance().store(group="hydra/launcher", name="backwards", node=node)
"""
"""A launcher as a package brings it: it runs the jobs of a batch from the last to the first."""


def begun(out):
    """The seeds of the runs, in the order in which they were announced."""
    lines = [line for line in out.splitlines() if line.startswith("gpae on toy/beacon")]
    return [int(line.partition("seed ")[2].partition(":")[0]) for line in lines]


def require_two_runs(out, root):
    assert out.count("final hit") == 2
    assert len(list(root.glob("*-seed*"))) == 2
    assert len(list(root.glob("sweeps/*/multirun.yaml"))) == 1


@pytest.mark.parametrize(
    "words", [["hydra/launcher=basic"], ["hydra/sweeper=basic", "hydra.sweeper.max_batch_size=1"]]
)
def test_hydras_launchers_and_sweepers_carry_a_sweep_out(words, gpae, small, tmp_path):
    root = tmp_path / "runs"
    result = gpae("train", "-m", *small(seed="0,1"), *words, f"run.root={root}")
    assert (result.code, result.err) == (0, "")
    assert begun(result.out) == [0, 1]
    require_two_runs(result.out, root)


def test_an_installed_plugin_launches_a_sweep(small, child_environment, tmp_path):
    plugins, root = tmp_path / "installed" / "hydra_plugins", tmp_path / "runs"
    plugins.mkdir(parents=True)
    (plugins / "backwards.py").write_text(PLUGIN)
    path = os.pathsep.join([str(plugins.parent), os.environ.get("PYTHONPATH", "")])
    words = [*small(seed="0,1"), "hydra/launcher=backwards", f"run.root={root}"]
    result = subprocess.run(
        [sys.executable, str(SCRIPT), "train", "-m", *words],
        env={**child_environment, "PYTHONPATH": path, "TOY_PAUSE": "0"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    assert begun(result.stdout) == [1, 0]
    require_two_runs(result.stdout, root)


def test_a_run_of_hydras_is_the_run_that_it_is_without(gpae, small, straight, same_end, tmp_path):
    words = [*small(seed="0"), "hydra/launcher=basic", f"run.root={tmp_path}"]
    assert gpae("train", "-m", *words).code == 0
    (folder,) = tmp_path.glob("*-seed0")
    same_end(folder, straight("gpae")[0])


@pytest.mark.parametrize("sweeper", [[], ["hydra/sweeper=basic"]])
def test_overrides_of_one_key_merge_as_without_a_sweep(sweeper, tmp_path):
    words = [
        "method=mappo",
        "method={lambda_:0.9}",
        f"run={{root:'{tmp_path}'}}",
        "run={keep_checkpoints:4}",
        "discount=0.5",
        "run.keep_checkpoints=5",
        "discount=0.7",
    ]
    jobs = []
    sweep([*words, "seed=0,1", *sweeper], lambda job: jobs.append(job) or 0.0)
    assert [compose(job) for job in jobs] == [compose([*words, f"seed={n}"]) for n in (0, 1)]
    assert compose(jobs[0]).run.keep_checkpoints == 5


def test_a_group_that_hydra_would_sweep_over_twice_is_one_line(tmp_path):
    words = ["method={eta:1.01},{eta:1.02}", "method={lambda_:0.9},{lambda_:0.8}"]
    with pytest.raises(UserError, match=r"keep one override of method: .* method\.SETTING=1,2"):
        sweep([*words, f"run.root={tmp_path}"], lambda job: 0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_diverged_run_ends_hydras_sweep_with_its_own_exit_code(gpae, small, tmp_path):
    words = small(update__learning_rate="1e30,1e-3", network__core="feedforward")
    result = gpae("train", "-m", *words, "hydra/launcher=basic", f"run.root={tmp_path}")
    assert result.code == 3
    assert "training has diverged" in result.err
    assert result.out.count("final hit") == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["hydra/launcher=absent"], "Could not find 'hydra/launcher/absent'"),
        (["hydra/sweeper=absent"], "Could not find 'hydra/sweeper/absent'"),
        (["hydra/launcher=basic", "windo.length=3"], "Could not override 'windo.length'"),
        (["hydra/launcher=basic", "seed=interval(0,1)"], "BasicSweeper does not support sweep"),
    ],
)
def test_what_hydra_refuses_is_one_line(words, said, gpae, tmp_path):
    result = gpae("train", "-m", *words, f"run.root={tmp_path}")
    assert result.code == 2
    assert said in result.err
    assert result.err.startswith("gpae: Hydra cannot sweep: ")
    assert result.err.count("\n") == 1


def test_hydras_settings_of_a_single_run_are_said_to_have_no_effect(gpae, small, tmp_path):
    words = [*small(), "hydra.job.name=other", f"run.folder={tmp_path}/run"]
    result = gpae("train", *words)
    assert result.code == 0
    assert result.out.startswith("note: Hydra's own settings matter to sweeps alone")
