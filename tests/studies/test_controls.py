"""The control whose critic sees actions of another environment."""

import sys
from importlib import import_module
from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, Observation
from gpae.methods import METHODS, UpdateSettings
from gpae.networks import NetworkSettings

MODULE = "gpae.studies.controls"
STEPS, ENVIRONMENTS, AGENTS, ACTIONS = 3, 4, 2, 5
SHAPE = (STEPS, ENVIRONMENTS, AGENTS)


@pytest.fixture
def control(monkeypatch):
    """The method, in a registry that the other tests never see it in."""
    monkeypatch.setattr(METHODS, "_entries", dict(METHODS._entries))
    sys.modules.pop(MODULE, None)
    yield import_module(MODULE).MisplacedActionsGpae()
    sys.modules.pop(MODULE)


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
