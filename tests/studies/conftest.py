"""A small study of the tiny task, and archived runs with given numbers."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from gpae.config.compose import to_dict
from gpae.methods import METHODS
from gpae.runs import RecordFile, RunFolder
from gpae.studies.archive import Sitting, StudyRecord, archive_run, study_folder
from gpae.studies.declaration import read_study
from gpae.studies.identity import REVISION
from gpae.studies.plan import make_plan

TOY = Path(__file__).parents[1] / "session" / "toy_task.py"

SMALL = """
title: A small study
claim: One is better than two.
total_env_steps: 320
evaluation_interval: 96
seeds: 2
suites:
  - tasks: [toy/beacon]
    settings:
      default:
        - method=gpae
        - rollout.environments=8
        - rollout.steps=8
        - network.hidden_size=8
        - network.core=feedforward
        - window.length=2
        - update.minibatches=1
        - update.epochs=2
        - evaluation.episodes=4
        - run.checkpoint_interval=128
rows:
  - {name: one, settings: [method.eta=1.5]}
  - {name: two, settings: [method.trace_scheme=joint]}
  - {name: odd, settings: [method.lambda_=0.5], control: true}
priority:
  - {rows: [two], seeds: 1}
claims:
  - {text: one is better, row: one, over: [two]}
measures:
  - {name: performance, metric: headline}
  - {name: gap, source: training, metric: a, minus: b, over: c, moment: mean}
"""


CONTROLS = "gpae.studies.controls"


@pytest.fixture(autouse=True)
def no_controls_elsewhere(monkeypatch):
    """Keep the control methods, which studies register, out of the other tests' registry."""
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))
    sys.modules.pop(CONTROLS, None)
    yield
    sys.modules.pop(CONTROLS, None)


@pytest.fixture(scope="session")
def toy():
    """The tiny task, registered."""
    if "toy_task" not in sys.modules:
        specification = importlib.util.spec_from_file_location("toy_task", TOY)
        module = importlib.util.module_from_spec(specification)
        sys.modules["toy_task"] = module
        specification.loader.exec_module(module)
    return sys.modules["toy_task"]


@pytest.fixture(scope="session")
def declared():
    """The small study's file."""
    return SMALL


@pytest.fixture
def study(toy):
    """The small study."""
    return read_study("small", SMALL)


@pytest.fixture
def plan(study):
    """Its plan."""
    return make_plan(study)


@pytest.fixture
def small(toy, tmp_path):
    """The path of the small study's file."""
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


@pytest.fixture
def archived(tmp_path):
    """Archive a run of a cell with given means of each evaluation."""

    def make(cell, seed, means, *, study="small", config=None, episodes=10, metrics=(), **record):
        configured = replace(cell.config, seed=seed) if config is None else config
        path = tmp_path / "made" / f"{len(list(tmp_path.glob('made/*')))}"
        folder = RunFolder.create(path, to_dict(configured))
        with RecordFile(folder.metrics_path) as file:
            for each in metrics:
                file.append(each)
        with RecordFile(folder.evaluations_path) as file:
            for number, mean in enumerate(means):
                file.append(evaluation(number, mean, episodes))
            file.append({**evaluation(len(means) - 1, 0.0, 10 * episodes), "absolute": True})
        place = {"study": study, "task": cell.task, "row": cell.row.name, "seed": seed}
        defaults = {"scale": 1.0, "revision": REVISION, "sittings": (Sitting("cpu", 96, 2.0, 1),)}
        kept = StudyRecord(**{**place, **defaults, **record})
        results = study_folder(tmp_path / "results", study, kept.scale)
        return archive_run(folder, kept, results / f"{path.name}_seed{seed}")

    return make


def evaluation(number, mean, episodes):
    """A record with a mean win rate, and its episodes."""
    won = round(mean * episodes)
    counters = {"update": 3 * number, "env_steps": 96 * number, "gradient_steps": 6 * number}
    values = {"win_rate": [1.0] * won + [0.0] * (episodes - won), "episode_return": [mean] * 2}
    named = {"mode": "greedy", "absolute": False, "headline": "win_rate", "episodes": episodes}
    return {**counters, **named, **values}
