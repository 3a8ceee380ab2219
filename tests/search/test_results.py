"""Results of a search: the ranking, the table, the picture and the best settings."""

import io
import json

import pytest
import yaml
from rich.console import Console

from gpae.config.compose import compose

pytest.importorskip("optuna", reason="the extra `search` is not installed")

from gpae.search.folder import SearchFolder, SearchSettings
from gpae.search.results import show_results
from gpae.search.search import Plan, Search
from gpae.search.space import read_space
from gpae.search.trials import Trials

WORDS = ["task=smax/3m", "update.clip=uniform(0.1,0.9)", "discount=uniform(0.5,0.9)"]


@pytest.fixture
def search(tmp_path):
    """A search that wants small values, with 30 trials whose value is the clip, and one worse."""
    space = read_space(WORDS)
    settings = SearchSettings(words=WORDS, trials=31)
    plan = Plan(settings, space, compose(space.examples[0]), "collisions", maximise=False)
    trials = Trials(tmp_path / "optuna.log", space, maximise=False, seed=0)
    trials.ask(31, 1)
    first, *_, last = plan.rungs
    for trial in trials.all():
        value = float(trial.parameters["update.clip"])
        if trial.number == 30:
            trials.stop(30, diverged=True)
            continue
        trials.report(trial.number, first, value)
        if trial.number < 3:
            trials.report(trial.number, last, value)
            trials.complete(trial.number, value)
        else:
            trials.stop(trial.number)
    console = Console(file=io.StringIO(), width=100)
    return Search(plan, SearchFolder(tmp_path), trials, console, None)


@pytest.fixture
def results(search):
    show_results(search)
    return search.folder, search.console.file.getvalue()


def test_trials_are_ranked_by_rung_and_value_and_direction(results):
    folder, _ = results
    ranked = json.loads(folder.results_path.read_text())
    assert sorted(trial["number"] for trial in ranked[:3]) == [0, 1, 2]
    assert ranked[-1]["number"] == 30
    for group in (ranked[:3], ranked[3:-1]):
        clips = [trial["parameters"]["update.clip"] for trial in group]
        assert clips == sorted(clips)


def test_the_table_names_settings_and_ends(results):
    _, said = results
    header = next(line for line in said.splitlines() if "env steps" in line)
    assert header.split() == ["trial", "collisions", "env", "steps", "end", "clip", "discount"]
    assert said.count("complete") == 3


def test_importances_are_told_and_drawn(results):
    folder, said = results
    told = said.partition("importances: update.clip ")[2]
    assert float(told[:4]) > 0.7
    assert folder.importance_path.read_bytes().startswith(b"\x89PNG")


def test_the_best_settings_are_those_of_the_best_trial_that_came_to_its_end(results):
    folder, said = results
    best = json.loads(folder.results_path.read_text())[0]
    text = folder.best_path.read_text()
    assert text.startswith(f"# Trial {best['number']} of `gpae search task=smax/3m update.clip=")
    assert "on seeds 1000 to 1001: report results of other seeds" in text
    values = yaml.safe_load(text)
    assert values["update"]["clip"] == best["parameters"]["update.clip"]
    assert values["task"]["name"] == "smax/3m"
    assert f"gpae train --settings {folder.best_path} seeds=5" in said


def test_without_a_complete_trial_there_are_no_best_settings(search):
    for trial in search.trials.all()[:3]:
        assert trial.complete
    object.__setattr__(search.trials, "all", lambda: [])
    show_results(search)
    assert "no trial came to its end" in search.console.file.getvalue()
    assert not search.folder.best_path.exists()
