"""Trials in their journal: drawn alike, kept through a kill, weighed by importance."""

import pytest

from gpae.search.space import read_space

pytest.importorskip("optuna", reason="the extra `search` is not installed")

from gpae.search.trials import Trials


@pytest.fixture
def opened(space, tmp_path):
    return lambda seed=0: Trials(tmp_path / "optuna.log", space, maximise=True, seed=seed)


def drawn(trials):
    return [dict(trial.parameters) for trial in trials.all()]


def test_draws_lie_in_the_space_and_follow_the_seed(space, tmp_path):
    found = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        trials = Trials(tmp_path / name, space, maximise=True, seed=seed)
        trials.ask(6, 1)
        found.append(drawn(trials))
    assert found[0] == found[1] != found[2]
    assert all(1e-4 <= each["update.learning_rate"] <= 1e-2 for each in found[0])
    assert {each["discount"] for each in found[0]} == {"0", "1"}


def test_trials_come_back_as_they_stood(opened):
    trials = opened()
    trials.ask(4, 1)
    for number in range(4):
        trials.report(number, 100, 0.25 * number)
    trials.stop(0)
    trials.stop(1, diverged=True)
    trials.report(3, 300, 0.5)
    trials.complete(3, 0.5)
    again = opened().all()
    assert again == trials.all()
    assert [trial.fate for trial in again] == ["stopped", "diverged", "running", "complete"]
    assert [dict(trial.values) for trial in again] == [
        {100: 0.0},
        {100: 0.25},
        {100: 0.5},
        {100: 0.75, 300: 0.5},
    ]
    assert {trial.batch for trial in again} == {1}


def test_a_later_session_draws_no_trial_again(opened):
    opened().ask(3, 1)
    trials = opened()
    trials.ask(3, 1)
    rates = [each["update.learning_rate"] for each in drawn(trials)]
    assert len(set(rates)) == 6


def test_half_a_line_and_half_a_draw_of_a_killed_process_are_dropped(opened, tmp_path):
    trials = opened()
    trials.ask(2, 1)
    journal = tmp_path / "optuna.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:-1]) + lines[-1][:7])
    again = opened()
    assert [trial.number for trial in again.all()] == [0], "the last line named the batch"
    again.ask(1, 1)
    assert [trial.number for trial in opened().all()] == [0, 2]


def test_importance_is_of_the_setting_that_values_follow(tmp_path):
    space = read_space(["update.clip=uniform(0,1)", "discount=uniform(0,1)"])
    trials = Trials(tmp_path / "optuna.log", space, maximise=True, seed=0)
    assert trials.importances(100) == {}
    trials.ask(40, 1)
    for trial in trials.all():
        trials.report(trial.number, 100, float(trial.parameters["update.clip"]))
    importances = trials.importances(100)
    assert list(importances) == ["update.clip", "discount"]
    assert importances["update.clip"] > 0.8
    assert sum(importances.values()) == pytest.approx(1)


def test_later_draws_are_where_values_were_good(tmp_path):
    space = read_space(["update.clip=uniform(0,1)", "discount=uniform(0,1)"])
    trials = Trials(tmp_path / "optuna.log", space, maximise=False, seed=0)
    for batch in range(1, 5):
        trials.ask(16, batch)
        for trial in trials.all():
            if trial.running:
                value = abs(float(trial.parameters["update.clip"]) - 0.3)
                trials.report(trial.number, 100, value)
                trials.complete(trial.number, value)
    distance = [abs(float(trial.parameters["update.clip"]) - 0.3) for trial in trials.all()]
    assert sum(distance[-16:]) < sum(distance[:16]) / 2
