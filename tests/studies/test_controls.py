"""The control whose critic sees actions of another environment."""

from importlib import import_module
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, Observation
from gpae.methods import UpdateSettings
from gpae.networks import NetworkSettings
from gpae.studies.declaration import find_study
from gpae.studies.plan import make_plan

STEPS, ENVIRONMENTS, AGENTS, ACTIONS = 3, 4, 2, 5
SHAPE = (STEPS, ENVIRONMENTS, AGENTS)


@pytest.fixture
def control():
    """The method, registered."""
    return import_module("gpae.studies.controls").MisplacedActionsGpae()


def inputs(method, actions):
    observation = Observation(
        state=jnp.zeros((STEPS, ENVIRONMENTS, 7)),
        observations=jnp.zeros((*SHAPE, 7)),
        available_actions=jnp.ones((*SHAPE, ACTIONS), bool),
        alive=jnp.ones(SHAPE, bool),
    )
    spec = SimpleNamespace(actions=DiscreteActions(ACTIONS))
    critic = method.networks(spec, NetworkSettings(), UpdateSettings())["critic"]
    policy = SimpleNamespace(features=lambda actions: actions)
    return critic.inputs(observation, policy, 1e5 + actions, actions)


def test_the_others_actions_are_of_the_environment_before(control):
    time, environment, agent, action = np.indices((*SHAPE, ACTIONS))
    tags = 1000 * time + 100 * environment + 10 * agent + action
    before = 1000 * time + 100 * ((environment - 1) % ENVIRONMENTS) + 10 * agent + action
    found = inputs(control, jnp.asarray(tags, jnp.float32))
    np.testing.assert_array_equal(found.action_features, before)
    np.testing.assert_array_equal(found.own_features, 1e5 + tags)


def test_a_row_imports_the_module_of_its_method_and_its_runs_remember_it():
    plan = make_plan(find_study("fig1"), only=["GPAE (off), misplaced actions"])
    (cell,) = plan.cells
    assert cell.config.method.name == "gpae_misplaced_actions"
    assert cell.config.imports == ["gpae.studies.controls"]
