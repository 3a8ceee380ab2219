"""Faults of one's own environment: refused before anything is written, or told as what they are."""

from dataclasses import dataclass, replace

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, register
from gpae.environments.tasks import _TASKS
from gpae.errors import UserError
from gpae.runs.system import System

pytestmark = pytest.mark.slow

TASK = "toy/spoilt"


def same(part, time=None):
    return part


@dataclass
class Spoilt:
    """The toy task, of whose spec, observations and steps something is changed."""

    inner: object
    spoil_spec: object = same
    spoil_observation: object = same
    spoil_step: object = same

    @property
    def spec(self):
        return replace(self.spoil_spec(self.inner.spec), name=TASK)

    def reset(self, key):
        state, observation = self.inner.reset(key)
        return state, self.spoil_observation(observation, state["time"])

    def step(self, key, state, actions):
        discrete = actions if actions.ndim == 1 else (actions[:, 0] > 0).astype(jnp.int32)
        state, step = self.inner.step(key, state, discrete)
        seen = self.spoil_observation(step.observation, state["time"])
        return state, self.spoil_step(
            replace(step, actions=actions, observation=seen), state["time"]
        )


@pytest.fixture
def spoilt(monkeypatch):
    """Have the task be spoilt in some way from now on."""
    import toy_task

    monkeypatch.setattr(_TASKS, "_entries", _TASKS.registered())
    ways = {}
    register(TASK, lambda: Spoilt(toy_task.Beacon(), **ways))

    def spoil(**changes):
        ways.clear()
        ways.update(changes)

    return spoil


@pytest.fixture
def unchecked(monkeypatch):
    """Have no fault be found before training begins."""
    monkeypatch.setattr(System, "check_environment", lambda self: None)


def nan(array, condition=True):
    return jnp.where(condition, jnp.nan, array)


def dead_and_unseen(observation, time):
    """Agent 1 dies after three steps, and sees nothing that is a number from then on."""
    dead = (time >= 3) & (jnp.arange(2) == 1)
    seen = jnp.where(dead[:, None], jnp.nan, observation.observations)
    return replace(observation, observations=seen, alive=~dead)


def idle(observation, time):
    """Agent 0 has nothing that it may do at the second step."""
    available = observation.available_actions.at[0].set(time != 1)
    return replace(observation, available_actions=available)


def nan_reward(step, time):
    return replace(step, reward=nan(step.reward, time >= 3))


def nan_metric(step, time):
    return replace(step, outcomes={"hit": nan(step.outcomes["hit"])})


FAULTS = {
    "reward": (
        {"spoil_step": lambda step, _: replace(step, reward=step.reward[None])},
        "reward after a step is float32[1], and float32[] is expected",
    ),
    "outcome": (
        {"spoil_step": lambda step, _: replace(step, outcomes={})},
        "the outcome 'hit' is missing from a step: spec.metrics names it",
    ),
    "dead": (
        {"spoil_observation": dead_and_unseen},
        "observations of agent 1, which is dead there, are not finite after step 3 of an episode",
    ),
    "idle": (
        {"spoil_observation": idle},
        "available_actions of agent 0 have no action that it may take after step 1 of an episode",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_before_anything_is_written(fault, spoilt, gpae, small, tmp_path):
    changes, message = FAULTS[fault]
    spoilt(**changes)
    result = gpae("train", *small(task=TASK), f"run.root={tmp_path}/runs")
    assert result.code == 2
    assert result.err == f"gpae: {TASK}: {message}\n"
    assert not list(tmp_path.iterdir())


def test_a_fault_is_refused_when_a_run_is_resumed(spoilt, gpae, small, contents, tmp_path):
    folder = tmp_path / "run"
    spoilt()
    words = small(task=TASK, total_env_steps=64, evaluation__absolute="false")
    assert gpae("train", *words, f"run.folder={folder}").code == 0
    before = contents(folder)
    spoilt(**FAULTS["outcome"][0])
    result = gpae("resume", folder)
    assert (result.code, result.err) == (2, f"gpae: {TASK}: {FAULTS['outcome'][1]}\n")
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("method", "spoil", "origin"),
    [
        (
            "mappo",
            {"spoil_observation": dead_and_unseen},
            "first in the observation of agent 1, dead then, that the environment gave",
        ),
        ("qmix", {"spoil_step": nan_reward}, "first in the reward that the environment gave"),
        (
            "mappo",
            {"spoil_step": nan_metric},
            "first in the metric 'hit' that the environment gave",
        ),
    ],
    ids=["observation", "reward", "metric"],
)
def test_what_the_environment_gave_is_told_apart_from_divergence(
    method, spoil, origin, spoilt, unchecked, gpae, small, tmp_path
):
    spoilt(**spoil)
    words = small(task=TASK, method=method)
    if method == "qmix":
        words = [word for word in words if not word.startswith(("window", "update.minibatches"))]
        words += ["method.batch_size=8", "method.buffer_size=64", "method.learning_starts=0"]
    result = gpae("train", *words, f"run.folder={tmp_path}/run")
    assert result.code == 3, result.err
    assert origin in result.err
    assert "update.learning_rate" not in result.err
    assert "gpae.environments.check_environment" in result.err
    assert result.err.count("\n") == 1


@pytest.fixture
def bounded(spoilt):
    """Have the task's actions be continuous, within bounds."""

    def install(low, high):
        def see(observation, time):
            return replace(observation, available_actions=jnp.ones((2, 1), bool))

        spoilt(
            spoil_spec=lambda spec: replace(spec, actions=ContinuousActions(1, low, high)),
            spoil_observation=see,
        )

    return install


def test_squashing_into_infinite_bounds_is_refused(bounded, gpae, small, tmp_path):
    bounded(-np.inf, np.inf)
    words = small(task=TASK, network__squash_actions="true")
    result = gpae("train", *words, f"run.root={tmp_path}/runs")
    assert result.code == 2
    assert result.err.startswith(f"gpae: {TASK} has actions from -inf to inf, and network.squash_")
    assert not list(tmp_path.iterdir())


def test_actions_without_bounds_train(bounded, gpae, small, tmp_path):
    bounded(-np.inf, np.inf)
    words = small(task=TASK, total_env_steps=64, network__core="feedforward")
    assert gpae("train", *words, f"run.folder={tmp_path}/run").code == 0


def test_bounds_the_wrong_way_round_are_refused(bounded, gpae, small, tmp_path):
    bounded(1.0, -1.0)
    result = gpae("train", *small(task=TASK), f"run.root={tmp_path}/runs")
    assert result.code == 2
    assert result.err.startswith("gpae: the bounds of continuous actions must be low < high")
    assert not list(tmp_path.iterdir())


def test_a_library_user_is_told_the_same(spoilt):
    from gpae.config.compose import compose

    spoilt(**FAULTS["dead"][0])
    with pytest.raises(UserError, match="observations of agent 1"):
        System(compose([f"task={TASK}", "method=mappo"])).check_environment()
