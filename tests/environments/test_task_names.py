"""Tasks are found by name, their settings checked, and users can add their own."""

from dataclasses import dataclass

import pytest

from gpae.environments import (
    Environment,
    ForcedStop,
    all_tasks,
    find_task,
    make,
    register,
    task_names,
)
from gpae.environments.smax import MAPS, STOP_ACTION, Smax
from gpae.environments.tasks import _TASKS
from gpae.errors import UserError


@pytest.fixture
def own_registry(monkeypatch):
    """Undo a test's registrations."""
    monkeypatch.setattr(_TASKS, "_entries", _TASKS.registered())


def test_every_map_is_a_task_with_its_size_and_a_description():
    assert {name for name in task_names() if name.startswith("smax/")} == {
        f"smax/{name}" for name in (*MAPS, "scenario")
    }
    task = find_task("smax/3s5z_vs_3s6z")
    assert task.num_agents == 8
    assert task.description == "3 stalkers and 5 zealots vs 3 stalkers and 6 zealots"
    assert find_task("smax/1s1z").description == "1 stalker and 1 zealot vs 1 stalker and 1 zealot"


def test_a_task_is_made_with_its_defaults_and_settings():
    plain = make("smax/1s1z")
    assert isinstance(plain, Smax)
    assert isinstance(plain, Environment)
    assert plain.spec.name == "smax/1s1z"
    assert plain.spec.num_agents == find_task("smax/1s1z").num_agents == 2
    assert make("smax/1s1z", max_steps=20).spec.max_episode_steps == 21


def test_the_anomaly_is_a_setting():
    anomalous = make("smax/3m", stop_probability=0.05)
    assert isinstance(anomalous, ForcedStop)
    assert (anomalous.probability, anomalous.action) == (0.05, STOP_ACTION)
    assert isinstance(make("smax/3m", stop_probability=0), Smax)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("smax/5m_vs_6n", {}, "no task 'smax/5m_vs_6n' (did you mean smax/5m_vs_6m"),
        ("qqqqq", {}, "no task 'qqqqq'; `gpae tasks` lists them all"),
        ("smax/3m", {"max_step": 5}, "smax/3m has no setting 'max_step' (did you mean max_steps?)"),
        ("smax/3m", {"stop_probability": 1.5}, "stop_probability must be between 0 and 1, not 1.5"),
        ("smax/3m", {"stop_probability": True}, "stop_probability must be between 0 and 1"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(name, settings, message):
    with pytest.raises(UserError) as error:
        make(name, **settings)
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


@pytest.mark.usefixtures("own_registry")
def test_a_users_environment_is_made_by_its_name(countdown):
    register("mine/countdown", lambda: countdown, description="mine", num_agents=3)
    assert make("mine/countdown") is countdown
    assert all_tasks()[-1].description == "mine"
    with pytest.raises(UserError, match="mine/countdown has no settings, so no 'speed' either"):
        make("mine/countdown", speed=2)
    with pytest.raises(UserError, match="there is a task 'mine/countdown' already"):
        register("mine/countdown", lambda: countdown)


@pytest.mark.usefixtures("own_registry")
def test_a_users_settings_reach_the_factory(countdown):
    @dataclass(frozen=True)
    class Settings:
        speed: int = 1

    received = []
    register("mine/fast", lambda s: received.append(s) or countdown, settings=Settings)
    make("mine/fast")
    make("mine/fast", speed=3)
    assert received == [Settings(1), Settings(3)]
    assert find_task("mine/fast").setting_names == ("speed",)
