"""A tiny task's learners, and the scripts in benchmarks/."""

import importlib
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOY_TASK = ROOT / "tests/session/toy_task.py"
TINY = (
    "task=toy/beacon",
    "rollout.environments=16",
    "rollout.steps=4",
    "network.hidden_size=8",
    "update.epochs=2",
    "evaluation.episodes=4",
    "run.updates_per_call=1",
    "total_env_steps=32000",
)
"""Overrides of a configuration that compiles and runs in seconds."""


def load(path):
    """A file as a module of its own name."""
    if path.stem not in sys.modules:
        specification = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(specification)
        sys.modules[path.stem] = module
        specification.loader.exec_module(module)
    return sys.modules[path.stem]


load(TOY_TASK)


@pytest.fixture(scope="session")
def script_path():
    """The path of a script of benchmarks/ by name."""
    return lambda name: ROOT / f"benchmarks/{name}.py"


@pytest.fixture(scope="session")
def script():
    """A script of benchmarks/ by name, as a module."""
    return lambda name: importlib.import_module(f"benchmarks.{name}")


@pytest.fixture(scope="session")
def tiny():
    return list(TINY)


@pytest.fixture(scope="session")
def learner():
    """The learner of the tiny configuration, with other overrides added."""
    from gpae.config.compose import compose
    from gpae.runs.system import System

    def make(*overrides):
        return System(compose([*TINY, *overrides])).learner

    return make
