"""The documentation's example of an environment works as printed."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from gpae.environments import Environment, auto_reset_step
from gpae.environments.jaxmarl_games import GAMES
from gpae.environments.jaxmarl_settings import JaxmarlSettings
from gpae.environments.jumanji_games import SCENARIOS
from gpae.environments.mabrax import MabraxSettings
from gpae.environments.pettingzoo_settings import HostSettings
from gpae.environments.smax import SmaxSettings
from gpae.environments.tasks import _TASKS

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text()


def test_the_example_environment_plays_and_resets(monkeypatch):
    monkeypatch.setattr(_TASKS, "_entries", _TASKS.registered())
    (example,) = (
        code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "Step(" in code
    )
    names = {}
    exec(example, names)
    environment = names["environment"]
    assert isinstance(environment, Environment)

    def advance(state, key):
        walk = jnp.array([2, 1])
        state, _, step = auto_reset_step(environment, key, state, walk)
        return state, step

    state, _ = environment.reset(jax.random.key(0))
    _, steps = jax.lax.scan(advance, state, jax.random.split(jax.random.key(1), 60))
    assert steps.terminated.sum() >= 60 // 12
    assert (steps.outcomes["met"] == steps.terminated).all()
    assert not steps.truncated.any()


def section(title):
    (text,) = (part for part in re.split(r"^## ", PAGE, flags=re.M) if part.startswith(title))
    return text


def as_printed(settings):
    """Values as a configuration file has them; 0.0 is 0."""
    words = {"none": "null", "0.0": "0"}
    values = {name: str(value).lower() for name, value in settings.items()}
    return {name: words.get(value, value) for name, value in values.items()}


@pytest.mark.parametrize(
    ("title", "settings"),
    [
        ("SMAX", SmaxSettings()),
        ("MABrax", MabraxSettings()),
        ("Other JaxMARL environments", JaxmarlSettings()),
        ("PettingZoo and Gymnasium", HostSettings()),
    ],
)
def test_a_table_of_settings_is_complete_and_its_defaults_are_true(title, settings):
    rows = dict(re.findall(r"^\| `(\w+)` \| `([\w.{}]+)` \|", section(title), re.M))
    assert rows == as_printed(vars(settings))


def test_the_table_of_jaxmarl_environments_is_complete_and_true():
    rows = re.findall(r"^\| `jaxmarl/(\w+)` \| (\d+) \|(.*)\| (.+) \|$", PAGE, re.M)
    assert {name for name, *_ in rows} == set(GAMES)
    for name, agents, cell, limit in rows:
        settings = GAMES[name].settings()
        usual = vars(JaxmarlSettings()).items()
        own = dict(item for item in vars(settings).items() if item not in usual)
        assert dict(re.findall(r"`(\w+)=([\w.]+)`", cell)) == as_printed(own), name
        assert int(agents) == GAMES[name].num_agents, name
        assert limit == str(settings.max_episode_steps or "no limit"), name


def test_the_table_of_jumanji_scenarios_is_complete_and_true():
    rows = re.findall(r"^\| `jumanji/([\w-]+)` \| (\d+) \|(.*)\| (\d+) \|$", PAGE, re.M)
    assert [name for name, *_ in rows] == list(SCENARIOS)
    for name, agents, cell, limit in rows:
        values, family = vars(SCENARIOS[name]()), name.partition("-")[0]
        whole = vars(SCENARIOS[family]())
        own = {
            key: value
            for key, value in values.items()
            if (key not in ("state", "max_steps") if name == family else value != whole[key])
        }
        assert dict(re.findall(r"`(\w+)=([\w.]+)`", cell)) == as_printed(own), name
        assert (int(agents), int(limit)) == (values["num_agents"], values["max_steps"]), name


@pytest.mark.slow
def test_the_example_of_ones_own_jaxmarl_environment_is_made():
    (example,) = (
        code
        for code in re.findall(r"```python\n(.*?)```", PAGE, re.S)
        if "JaxmarlEnvironment(" in code
    )
    names = {}
    exec(example, names)
    spec = names["environment"].spec
    assert (spec.num_agents, spec.actions.size, spec.max_episode_steps) == (4, 3, 10)


def test_the_example_team_is_made():
    (example,) = (
        code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "Mabrax(" in code
    )
    names = {}
    exec(example, names)
    spec = names["hopper"].spec
    assert (spec.num_agents, spec.observation_size, spec.actions.size) == (2, 11, 2)
