"""Presets of one task, and the command that a configuration is made by."""

import shlex

import pytest

from gpae.config.commands import training_command
from gpae.config.compose import compose, to_dict
from gpae.config.preset_files import PRESETS, TASK_PRESETS, evidence
from gpae.environments import all_tasks
from gpae.errors import UserError


def test_a_tasks_preset_is_named_after_a_task():
    assert "smax/3m" in TASK_PRESETS
    assert {*TASK_PRESETS} <= {task.name for task in all_tasks()}


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_says_where_it_comes_from(preset):
    assert len(evidence(preset).split()) > 5


@pytest.mark.parametrize(("method", "window"), [("gpae", 1), ("mappo", 1)])
def test_3ms_preset(method, window):
    config = compose(["task=smax/3m", f"method={method}", "preset=smax/3m"])
    assert (config.network.layer_norm, config.network.critic_embedding_size) == (True, 64)
    assert config.update.entropy_coefficient == 0.01
    assert config.window.length == window


def test_it_is_never_chosen_by_itself():
    assert compose(["task=smax/3m"]) == compose(["task=smax/3m", "preset=jaxmarl"])


def test_an_unknown_preset_is_refused_with_the_closest():
    with pytest.raises(UserError, match=r"no preset 'smax/3n' \(did you mean smax/3m or"):
        compose(["preset=smax/3n"])


@pytest.mark.parametrize(
    "words",
    [
        ["task=smax/3m", "method=gpae", "preset=smax/3m", "network.hidden_size=64", "seed=2"],
        ["task=mabrax/ant-4x2", "method=dae", "preset=mabrax", "total_env_steps=1e5"],
        ["task=smax/1s1z", "method=mappo", "task.max_steps=50", "update.learning_rate=0.001"],
    ],
)
def test_the_command_of_a_configuration_makes_it_again(words):
    config = compose(words)
    gpae, train, *overrides = shlex.split(training_command(config))
    assert (gpae, train) == ("gpae", "train")
    assert len(overrides) <= len(words) + 1
    assert to_dict(compose(overrides)) == to_dict(config)


@pytest.mark.parametrize("task", ["smax/3m", "smax/1s1z"])
def test_of_equal_presets_the_tasks_own_is_named(task):
    config = compose([f"task={task}", "method=gpae", "preset=smax/3m"])
    assert training_command(config) == f"gpae train task={task} method=gpae preset={task}"
