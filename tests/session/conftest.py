"""A tiny task, the command line in this process and in another, and runs to compare with."""

import contextlib
import importlib.util
import io
import json
import os
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("toy_task.py")
SMALL = {
    "task": "toy/beacon",
    "method": "gpae",
    "rollout.environments": "8",
    "rollout.steps": "8",
    "network.hidden_size": "8",
    "network.core": "feedforward",
    "window.length": "2",
    "update.minibatches": "1",
    "update.epochs": "2",
    "evaluation.episodes": "4",
    "total_env_steps": "320",
    "evaluation.interval": "96",
    "run.checkpoint_interval": "128",
}
"""Ten updates of 32 env steps: evaluated after 0, 3, 6, 9 and 10, saved after 0, 4, 8 and 10."""

STRAIGHT = {
    "gpae": {},
    "recurrent gpae": {"network.core": "gru"},
    "mappo": {"method": "mappo"},
    "q_corrected": {"method": "q_corrected"},
}
"""Settings beside these, by name, of the runs to compare with."""


def _load_toy_task():
    specification = importlib.util.spec_from_file_location("toy_task", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules["toy_task"] = module
    specification.loader.exec_module(module)
    return module


TOY = _load_toy_task()


@dataclass
class Result:
    code: int
    out: str
    err: str


@pytest.fixture
def alike():
    """Runs made in the test itself are compiled as those of the command line are, as all are."""


@pytest.fixture(scope="session")
def gpae():
    """The command line in this process."""
    from gpae.cli import main

    def run(*words):
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([str(word) for word in words])
        return Result(code, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="session")
def small():
    """The words that train the tiny task, with other settings where given."""

    def words(**overrides):
        named = {name.replace("__", "."): value for name, value in overrides.items()}
        return [f"{name}={value}" for name, value in (SMALL | named).items()]

    return words


@pytest.fixture(scope="session")
def child_environment():
    """The environment of a process that trains as slowly as a test can interrupt it.

    A program that another process is about to keep is compiled again, which is no error.
    """
    return {
        **os.environ,
        "JAX_NUM_CPU_DEVICES": "2",
        "PYTHONWARNINGS": "ignore:Error reading persistent compilation cache",
        "TOY_PAUSE": "0.5",
    }


@pytest.fixture(scope="session")
def words_of_straight(small):
    """The words of the runs to compare with, by name."""

    def words(name):
        return small(**{key.replace(".", "__"): value for key, value in STRAIGHT[name].items()})

    return words


@pytest.fixture(scope="session")
def straight(gpae, words_of_straight, tmp_path_factory):
    """Uninterrupted runs by name, each made when first asked for, with what was said.

    GPAE's is made at once, before a test can have changed what happens in runs.
    """
    root = tmp_path_factory.mktemp("straight")

    @cache
    def made(name):
        folder = root / name.replace(" ", "_")
        return folder, gpae("train", *words_of_straight(name), f"run.folder={folder}")

    made("gpae")
    return made


@pytest.fixture(scope="session", autouse=True)
def _toy_task_is_checked_once():
    """The toy task is the same in every run: its rollout is checked in the first alone."""
    from gpae.runs import system

    check, checked = system.check_environment, set()

    def once(environment, **options):
        key = f"{environment}{environment.spec}{options}"
        if not isinstance(environment, TOY.Beacon) or key not in checked:
            check(environment, **options)
            checked.add(key)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(system, "check_environment", once)
        yield


def records(folder, name):
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines()]


@pytest.fixture(scope="session")
def metrics():
    """A run's metrics without those that tell the time."""

    def read(folder):
        return [
            {name: value for name, value in record.items() if not name.startswith("time/")}
            for record in records(folder, "metrics")
        ]

    return read


@pytest.fixture(scope="session")
def evaluations():
    return lambda folder: records(folder, "evaluations")


@pytest.fixture(scope="session")
def final_arrays():
    """Everything in a run's newest checkpoint (or another one), by name."""
    from gpae.config.compose import from_dict
    from gpae.runs import Checkpoints, RunFolder
    from gpae.runs.system import System
    from gpae.runs.trees import named_arrays

    def read(folder, step=None):
        run = RunFolder.open(folder)
        template = System(from_dict(run.config)).snapshot_shapes()
        return named_arrays(Checkpoints(run.checkpoints_path).restore(template, step))

    return read


@pytest.fixture(scope="session")
def same_end(metrics, evaluations, final_arrays):
    """Assert that two runs ended alike: parameters, optimisers, everything; and all records."""

    def check(folder, other):
        arrays, others = final_arrays(folder), final_arrays(other)
        assert arrays.keys() == others.keys()
        different = [
            name
            for name in arrays
            if arrays[name].tobytes() != others[name].tobytes()
            or arrays[name].dtype != others[name].dtype
        ]
        assert different == []
        assert metrics(folder) == metrics(other)
        assert (folder / "evaluations.jsonl").read_bytes() == (
            other / "evaluations.jsonl"
        ).read_bytes()

    return check


@pytest.fixture(scope="session")
def contents():
    """Every file of a folder with its bytes."""

    def read(folder):
        folder = Path(folder)
        return {
            str(entry.relative_to(folder)): entry.read_bytes() if entry.is_file() else None
            for entry in sorted(folder.rglob("*"))
        }

    return read


@pytest.fixture
def before_call(monkeypatch):
    """Have something happen before the compiled call that begins at a given update."""
    from gpae.runs.session import Session

    def install(update, happens):
        advance = Session._advance

        def patched(self, state, at, count):
            if at == update:
                happens()
            return advance(self, state, at, count)

        monkeypatch.setattr(Session, "_advance", patched)

    return install


@pytest.fixture
def broken_results(monkeypatch):
    """Have a compiled call's results changed: ``change(state, metrics, updates) -> same two``."""
    from gpae.training.population import Population

    def install(change):
        run = Population.run

        def patched(self, state, count):
            state, metrics = run(self, state, count)
            first = int(np.asarray(state.update)[0]) - count + 1
            metrics = {name: np.array(values) for name, values in metrics.items()}
            return change(state, metrics, range(first, first + count))

        monkeypatch.setattr(Population, "run", patched)

    return install
