"""Methods, tasks, networks and trace schemes of other packages, from the command line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow

TOY_TASK = Path(__file__).parents[1] / "session/toy_task.py"

METHOD = '''
from dataclasses import dataclass
from typing import ClassVar

from gpae.fields import fraction
from gpae.methods import Gpae, Table1Row, register_method


@register_method
@dataclass
class Halved(Gpae):
    """GPAE with another default.

    Attributes:
        share: A number.
    """

    name: str = "halved"
    share: float = fraction(0.5)

    table1: ClassVar[Table1Row] = Table1Row("n-step", True, False, "a laboratory, 2026")
'''
NETWORKS = """
from gpae.networks.cores import Gru, register_core
from gpae.networks.encoders import Mlp, register_encoder


@register_core("lab_core")
class LabCore(Gru):
    pass


@register_encoder("lab_encoder")
class LabEncoder(Mlp):
    pass
"""
TRACES = """
from gpae.estimators import register_trace_scheme


@register_trace_scheme("lab_traces", formula="rho^i", source="a laboratory, 2026")
def own_ratio(ratios, eta):
    return ratios.own
"""
TASKS = TOY_TASK.read_text().replace("toy/beacon", "lab/beacon")

TINY = (
    "rollout.environments=4",
    "rollout.steps=4",
    "network.hidden_size=4",
    "window.length=1",
    "update.minibatches=1",
    "update.epochs=1",
    "evaluation.episodes=2",
    "evaluation.absolute=false",
    "total_env_steps=32",
    "run.checkpoint_interval=16",
)
"""Two updates of 16 env steps, each saved."""

OF_THE_LAB = (
    "method=halved",
    "method.share=0.25",
    "method.trace_scheme=lab_traces",
    "task=lab/beacon",
    "network.core=lab_core",
    "network.encoder=lab_encoder",
)
MODULES = ["my_lab.methods", "my_lab.tasks", "my_lab.networks", "my_lab.traces"]


def write_package(folder):
    """A package ``my_lab`` of four modules, which importing the package alone does not import."""
    package = folder / "my_lab"
    package.mkdir(parents=True)
    sources = {"methods": METHOD, "tasks": TASKS, "networks": NETWORKS, "traces": TRACES}
    for name, source in {"__init__": "", **sources}.items():
        (package / f"{name}.py").write_text(source)
    return folder


def command(*words, cwd, path=()):
    """A command line in a process of its own, with folders that Python finds modules in."""
    return python("-m", "gpae.cli", *words, cwd=cwd, path=path)


def python(*words, cwd, path=()):
    inherited = os.environ.get("PYTHONPATH")
    folders = [*map(str, path), *([inherited] if inherited else [])]
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(folders), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=500,
    )


@pytest.fixture(autouse=True)
def _no_bytecode(monkeypatch):
    """Python's own files beside an imported module are none of those that must not be written."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def imports_of(run):
    return yaml.safe_load((run / "config.yaml").read_text())["imports"]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The folder of the package."""
    return write_package(tmp_path_factory.mktemp("lab"))


@pytest.fixture(scope="module")
def run_of_lab(lab, tmp_path_factory):
    """A run of two updates with a method, a task, networks and traces of the package."""
    folder = tmp_path_factory.mktemp("runs") / "run"
    flags = [word for module in MODULES for word in ("--import", module)]
    words = ["train", *flags, *OF_THE_LAB, *TINY, f"run.folder={folder}"]
    result = command(*words, cwd=lab)
    assert (result.returncode, result.stderr) == (0, "")
    return folder


def test_a_module_of_the_current_folder_is_trained_from_and_remembered(run_of_lab):
    config = yaml.safe_load((run_of_lab / "config.yaml").read_text())
    assert config["imports"] == MODULES
    assert config["method"]["name"] == "halved"
    assert config["method"]["share"] == 0.25
    assert config["task"] == {"name": "lab/beacon", "bonus": 0.1}
    assert len((run_of_lab / "metrics.jsonl").read_text().splitlines()) == 2


def test_a_run_is_resumed_and_evaluated_from_elsewhere(run_of_lab, lab, tmp_path):
    resumed = command("resume", run_of_lab, "--checkpoint", "1", cwd=tmp_path, path=[lab])
    assert (resumed.returncode, resumed.stderr) == (0, "")
    assert len((run_of_lab / "metrics.jsonl").read_text().splitlines()) == 2
    evaluated = command("evaluate", run_of_lab, "--episodes", "2", cwd=tmp_path, path=[lab])
    assert (evaluated.returncode, evaluated.stderr) == (0, "")
    assert "update 2, 2 greedy episodes" in evaluated.stdout


@pytest.mark.parametrize("name", ["resume", "evaluate"])
def test_what_cannot_be_found_is_one_line(name, run_of_lab, refused):
    before = {path: path.stat().st_mtime_ns for path in run_of_lab.rglob("*")}
    assert refused(name, run_of_lab) == (
        "gpae: the module my_lab.methods cannot be imported: No module named 'my_lab'; install "
        "it, or put its folder on PYTHONPATH\n"
    )
    assert {path: path.stat().st_mtime_ns for path in run_of_lab.rglob("*")} == before


def test_curves_need_none_of_it(run_of_lab, gpae):
    result = gpae("curves", run_of_lab)
    assert (result.code, result.err) == (0, "")


def test_one_module_may_import_the_others(lab, tmp_path):
    (tmp_path / "everything.py").write_text("".join(f"import {module}\n" for module in MODULES))
    words = ["train", "--cfg", "--import", "everything", *OF_THE_LAB]
    result = command(*words, cwd=tmp_path, path=[lab])
    assert (result.returncode, result.stderr) == (0, "")
    assert yaml.safe_load(result.stdout)["imports"] == ["everything", *MODULES]


def test_a_sweep_of_hydras_remembers_the_module_that_was_named(lab, tmp_path):
    (tmp_path / "everything.py").write_text("".join(f"import {module}\n" for module in MODULES))
    words = ["--import", "everything", *OF_THE_LAB, *TINY, "hydra/launcher=basic", "run.root=runs"]
    result = command("train", "-m", *words, cwd=tmp_path, path=[lab])
    assert (result.returncode, result.stderr) == (0, "")
    (run,) = tmp_path.glob("runs/*-seed0")
    assert imports_of(run) == ["everything", *MODULES]


def test_what_a_run_does_not_use_is_not_remembered(lab, tmp_path):
    (tmp_path / "everything.py").write_text("".join(f"import {module}\n" for module in MODULES))
    script = (
        "import everything\nfrom gpae.config.compose import compose\nprint(compose(%s).imports)"
    )
    plain, of_lab = (
        python("-c", script % words, cwd=tmp_path, path=[lab]).stdout
        for words in (["method=mappo"], ["method=mappo", "network.core=lab_core"])
    )
    assert plain == "[]\n"
    assert of_lab == "['my_lab.networks']\n"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (None, "No module named 'absent_lab'"),
        ("import absent_dependency", "No module named 'absent_dependency'"),
        ("raise ValueError('two\\nlines')", "two lines"),
        ("raise ValueError", "ValueError"),
        ("def broken(:", "invalid syntax"),
    ],
)
def test_a_module_that_cannot_be_imported_is_one_line(source, cause, refused, tmp_path):
    name = "absent_lab" if source is None else "broken_lab"
    if source is not None:
        (tmp_path / f"{name}.py").write_text(source)
    line = refused("train", "--import", name)
    assert line.startswith(f"gpae: the module {name} cannot be imported: {cause}")
    assert line.endswith("; install it, or put its folder on PYTHONPATH\n")


def test_a_name_that_is_taken_is_one_line(refused, tmp_path):
    (tmp_path / "taken_lab.py").write_text(METHOD.replace('"halved"', '"mappo"'))
    assert "there is a method 'mappo' already" in refused("train", "--import", "taken_lab")


def test_a_run_of_a_script_is_continued_by_the_script_or_a_module(tmp_path, lab, refused):
    script, run = tmp_path / "script.py", tmp_path / "run"
    script.write_text(TASKS)
    words = ["train", "task=lab/beacon", *TINY, f"run.folder={run}"]
    trained = python(script, *words, cwd=tmp_path)
    assert (trained.returncode, trained.stderr) == (0, "")
    assert imports_of(run) == []
    line = refused("evaluate", run)
    assert line.startswith("gpae: no task 'lab/beacon'")
    assert line.endswith("; if a module registers it, name it with --import\n")
    evaluate = ["evaluate", run, "--episodes", "2"]
    found = command(*evaluate, "--import", "my_lab.tasks", cwd=tmp_path, path=[lab])
    assert (found.returncode, found.stderr) == (0, "")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package and its distribution, as an installation leaves them."""
    return install(write_package(tmp_path_factory.mktemp("site")), "my_lab")


def install(folder, package):
    """Make a folder's package an installed distribution whose entry points are its modules."""
    metadata = folder / "lab_plugin-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: lab-plugin\nVersion: 1.0\n")
    groups = {
        "gpae.methods": "methods",
        "gpae.tasks": "tasks",
        "gpae.cores": "networks",
        "gpae.encoders": "networks",
    }
    lines = [f"[{group}]\nlab = {package}.{module}\n" for group, module in groups.items()]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    return folder


def test_an_installed_package_needs_no_import(installed, tmp_path):
    run = tmp_path / "run"
    words = [word for word in OF_THE_LAB if "traces" not in word]
    trained = command("train", *words, *TINY, f"run.folder={run}", cwd=tmp_path, path=[installed])
    assert (trained.returncode, trained.stderr) == (0, "")
    evaluated = command("evaluate", run, "--episodes", "2", cwd=tmp_path, path=[installed])
    assert (evaluated.returncode, evaluated.stderr) == (0, "")


def test_an_installed_package_is_listed(installed, tmp_path):
    listings = [["methods"], ["tasks", "lab"], ["settings", "core"]]
    script = f"from gpae.cli import main\nfor words in {listings}: main(words)"
    result = python("-c", script, cwd=tmp_path, path=[installed])
    assert result.stderr == ""
    assert "halved: a laboratory, 2026" in result.stdout
    assert "lab/beacon" in result.stdout
    assert "two agents, three places" in result.stdout
    assert "feedforward, gru, lstm, lab_core" in result.stdout


def test_a_broken_installation_stops_only_those_who_need_it(tmp_path):
    install(tmp_path, "no_such_lab")
    script = "from gpae.cli import main\nfor words in (%s): print(main(words))" % [
        ["train", "--cfg", "task=smax/8m", "method=dae", "network.core=lstm"],
        ["methods"],
        ["tasks"],
        ["train", "network.core=lab_core"],
    ]
    result = python("-c", script, cwd=tmp_path, path=[tmp_path])
    codes = [line for line in result.stdout.splitlines() if line in ("0", "2")]
    assert codes == ["0", "2", "2", "2"]
    kinds = ("method", "task", "network.core")
    assert result.stderr.splitlines() == [
        f"gpae: the {kind} 'lab' of the installed package lab-plugin cannot be imported: No module "
        "named 'no_such_lab'"
        for kind in kinds
    ]
