"""The documentation's example of an environment works as printed."""

import re
from pathlib import Path

import jax
import jax.numpy as jnp

from gpae.environments import Environment, all_tasks, auto_reset_step
from gpae.environments.smax import SmaxSettings

PAGE = (Path(__file__).parents[2] / "docs" / "environments.md").read_text()


def test_the_example_environment_plays_and_resets(monkeypatch):
    registry = {task.name: task for task in all_tasks()}
    monkeypatch.setattr("gpae.environments.tasks._REGISTRY", registry)
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


def test_the_table_of_settings_is_complete_and_its_defaults_are_true():
    rows = dict(re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|", PAGE, re.M))
    defaults = {name: str(value).lower() for name, value in vars(SmaxSettings()).items()}
    defaults["stop_probability"] = "0"
    assert rows == defaults
