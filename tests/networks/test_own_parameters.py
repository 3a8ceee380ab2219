"""Networks without shared parameters: every agent's outputs and gradients are its own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions
from gpae.methods import Coma, Gpae, Mappo
from gpae.networks import (
    Actor,
    Critic,
    CriticInputs,
    NetworkSettings,
    QNetwork,
    initial_hidden_state,
)

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, STATE, SEEN = 3, 2, 3, 4, 5, 6
SHAPE = (STEPS, ENVIRONMENTS, AGENTS)
RANDOM = np.random.default_rng(0)
OBSERVATIONS = np.float32(RANDOM.normal(size=(*SHAPE, SEEN)))
AVAILABLE = np.ones((*SHAPE, ACTIONS), bool)
RESETS = np.zeros(SHAPE[:2], bool)
INPUTS = CriticInputs(
    state=np.float32(RANDOM.normal(size=(*SHAPE[:2], STATE))),
    observations=OBSERVATIONS,
    action_features=np.float32(RANDOM.normal(size=(*SHAPE, ACTIONS))),
    own_features=np.float32(RANDOM.normal(size=(*SHAPE, ACTIONS))),
)
DISCRETE, CONTINUOUS = DiscreteActions(ACTIONS), ContinuousActions(ACTIONS)


def settings(**given):
    return NetworkSettings(**{"hidden_size": 8, "share_parameters": False, **given})


def actor(actions=DISCRETE, **given):
    return Actor(settings(**given), actions), (OBSERVATIONS, AVAILABLE, RESETS)


def critic(method, **given):
    return Critic(settings(**given), method.critic(DISCRETE)), (INPUTS, RESETS)


NETWORKS = {
    "actor": actor(),
    "actor, lstm, agent ids": actor(core="lstm", actor_agent_id=True, layer_norm=True),
    "actor, feed-forward": actor(core="feedforward"),
    "actor, continuous": actor(CONTINUOUS),
    "Q-network": (QNetwork(settings(), ACTIONS), (OBSERVATIONS, RESETS)),
    "critic of the state": critic(Mappo()),
    "critic of the others' actions": critic(Gpae(), critic_embedding_size=6, layer_norm=True),
    "critic of everything": critic(Coma()),
}


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """A network's hidden state, parameters and outputs [T, E, N, ...] by them, compiled."""
    module, inputs = NETWORKS[request.param]
    start = initial_hidden_state(module.settings, ENVIRONMENTS, AGENTS)
    params = jax.jit(module.init)(jax.random.key(0), start, *inputs)
    random = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: leaf + np.float32(random.normal(size=leaf.shape)), params)

    def outputs(params):
        result = module.apply(params, start, *inputs)[1]
        leaves = [leaf for leaf in jax.tree.leaves(result) if leaf.dtype == jnp.float32]
        return jnp.concatenate([leaf.reshape(*SHAPE, -1) for leaf in leaves], axis=-1)

    jacobian = jax.jacrev(lambda params: outputs(params).sum((0, 1, 3)))
    hidden_states = jax.eval_shape(lambda: module.apply(params, start, *inputs)[0])
    return start, hidden_states, params, jax.jit(outputs), jax.jit(jacobian)


@pytest.mark.slow
def test_every_parameter_and_hidden_state_has_an_axis_of_agents(network):
    start, hidden_states, params, outputs, _ = network
    assert all(leaf.shape[0] == AGENTS for leaf in jax.tree.leaves(params))
    assert outputs(params).shape[:3] == SHAPE
    assert "agent_id" not in str(jax.tree.structure(params))
    for before, after in zip(jax.tree.leaves(start), jax.tree.leaves(hidden_states), strict=True):
        assert before.shape == (ENVIRONMENTS, AGENTS, 8)
        assert after.shape == (STEPS, *before.shape)


def test_an_agents_parameters_change_its_own_outputs_alone(network):
    _, _, params, outputs, _ = network
    before = outputs(params)
    for agent in range(AGENTS):
        moved = jax.tree.map(lambda leaf, agent=agent: leaf.at[agent].add(0.3), params)
        changed = np.abs(np.asarray(outputs(moved) - before)).max((0, 1, 3)) > 0
        np.testing.assert_array_equal(changed, np.arange(AGENTS) == agent)


@pytest.mark.slow
def test_an_agents_outputs_have_a_gradient_by_its_own_parameters_alone(network):
    *_, params, _, jacobian = network
    for leaf in jax.tree.leaves(jacobian(params)):
        by_agents = np.abs(np.asarray(leaf)).reshape(AGENTS, AGENTS, -1).max(-1)
        assert (by_agents[~np.eye(AGENTS, dtype=bool)] == 0).all()
    total = sum(
        np.abs(np.asarray(leaf)).reshape(AGENTS, AGENTS, -1).max(-1)
        for leaf in jax.tree.leaves(jacobian(params))
    )
    assert (np.diag(total) > 0).all()


def test_agents_with_the_same_parameters_are_those_of_a_shared_network():
    separate, inputs = NETWORKS["actor"]
    shared = Actor(settings(share_parameters=True), DISCRETE)
    start = initial_hidden_state(shared.settings, ENVIRONMENTS, AGENTS)
    params = shared.init(jax.random.key(0), start, *inputs)
    stacked = jax.tree.map(lambda leaf: jnp.stack([leaf] * AGENTS), params)
    for found, expected in zip(
        jax.tree.leaves(separate.apply(stacked, start, *inputs)),
        jax.tree.leaves(shared.apply(params, start, *inputs)),
        strict=True,
    ):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_agents_begin_with_parameters_that_differ():
    module, inputs = NETWORKS["actor"]
    start = initial_hidden_state(module.settings, ENVIRONMENTS, AGENTS)
    params = jax.jit(module.init)(jax.random.key(0), start, *inputs)["params"]["network"]
    kernel = params["encoder"]["observation"]["Dense_0"]["kernel"]
    assert kernel.shape == (AGENTS, SEEN, 8)
    assert all(np.abs(kernel[i] - kernel[j]).max() > 1e-3 for i, j in ((0, 1), (0, 2), (1, 2)))


@pytest.mark.parametrize("method", [Gpae(), Gpae(own_slot="zeros"), Coma()])
def test_a_value_depends_on_the_others_actions_and_never_on_the_own(method):
    module, _ = critic(method)
    start = initial_hidden_state(module.settings, ENVIRONMENTS, AGENTS)
    params = jax.jit(module.init)(jax.random.key(0), start, INPUTS, RESETS)
    random = np.random.default_rng(1)
    params = jax.tree.map(lambda leaf: np.float32(random.normal(size=leaf.shape)), params)
    value = jax.jit(lambda inputs: module.apply(params, start, inputs, RESETS)[1])
    before = value(INPUTS)
    for agent in range(AGENTS):
        taken = INPUTS.action_features.copy()
        taken[0, :, agent] += 1.0
        after = value(INPUTS.replace(action_features=taken))
        np.testing.assert_array_equal(after[:, :, agent], before[:, :, agent])
        for other in set(range(AGENTS)) - {agent}:
            assert np.abs(after[0, :, other] - before[0, :, other]).max() > 1e-4


def test_the_value_of_the_team_has_one_network():
    separate, shared = (
        Critic(settings(share_parameters=share), Mappo(agent_values=False).critic(DISCRETE))
        for share in (False, True)
    )
    start = initial_hidden_state(separate.settings, ENVIRONMENTS, 1)
    shapes = [
        jax.tree.map(jnp.shape, jax.eval_shape(each.init, jax.random.key(0), start, INPUTS, RESETS))
        for each in (separate, shared)
    ]
    assert shapes[0] == shapes[1]
