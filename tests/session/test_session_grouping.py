"""Runs of a kind stand together, named by what tells the kinds apart."""

import copy

import pytest

from gpae.errors import UserError
from gpae.report.grouping import group_runs
from gpae.runs import RunFolder

pytestmark = pytest.mark.slow

BASE = {
    "task": {"name": "smax/3m"},
    "method": {"name": "gpae", "trace_scheme": "double", "own_slot": "policy"},
    "window": {"length": 4},
    "update": {"learning_rate": 0.002},
    "evaluation": {"episodes": 128},
    "run": {"devices": 1},
    "seed": 0,
    "profile": False,
}
MAPPO = {"name": "mappo", "trace_scheme": "joint", "agent_values": False}


@pytest.fixture
def make(tmp_path):
    def run(name, **changes):
        config = copy.deepcopy(BASE)
        for key, value in changes.items():
            *path, field = key.split("__")
            holder = config
            for part in path:
                holder = holder[part]
            holder[field] = value
        return RunFolder.create(tmp_path / name, config).path

    return run


def test_seeds_tasks_and_how_a_run_is_carried_out_make_no_difference(make):
    folders = [
        make("a", seed=0),
        make("b", seed=1, run__devices=2, profile=True),
        make("c", task={"name": "smax/8m", "max_steps": 50}, evaluation__episodes=64),
    ]
    assert group_runs(folders) == {"gpae": folders}


def test_methods_are_named_without_the_settings_that_come_with_them(make):
    gpae, mappo = make("a"), make("b", method=MAPPO)
    assert group_runs([gpae, mappo]) == {"gpae": [gpae], "mappo": [mappo]}


def test_settings_that_are_not_the_methods_own_are_named_for_all(make):
    folders = [make("a"), make("b", method=MAPPO, window__length=1)]
    assert list(group_runs(folders)) == ["gpae (window.length=4)", "mappo (window.length=1)"]


def test_a_methods_own_settings_tell_its_runs_apart(make):
    folders = [make("a"), make("b", method__trace_scheme="none", seed=1), make("c", method=MAPPO)]
    labels = ["gpae (method.trace_scheme=double)", "gpae (method.trace_scheme=none)", "mappo"]
    assert group_runs(folders) == dict(zip(labels, ([folder] for folder in folders), strict=True))


def test_a_run_of_before_a_setting_was_renamed_stands_with_its_kind(make):
    former = {"name": "gpae", "traces": "double", "own_slot": "policy"}
    folders = [make("a"), make("b", method=former, seed=1)]
    assert group_runs(folders) == {"gpae": folders}


def test_several_differences_are_all_named(make):
    folders = [make("a"), make("b", window__length=1, update__learning_rate=0.1), make("c", seed=1)]
    groups = group_runs(folders)
    assert list(groups) == [
        "gpae (window.length=4, update.learning_rate=0.002)",
        "gpae (window.length=1, update.learning_rate=0.1)",
    ]
    assert groups["gpae (window.length=4, update.learning_rate=0.002)"] == [folders[0], folders[2]]


def test_a_folder_that_is_no_run(make, tmp_path):
    with pytest.raises(UserError, match="is not a run"):
        group_runs([make("a"), tmp_path])
