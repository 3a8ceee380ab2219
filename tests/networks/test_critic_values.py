"""What each agent's value may depend on, and what it may not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Gpae, Mappo
from gpae.networks import Critic, CriticInputs, NetworkSettings, initial_memory
from gpae.networks.critic import joint_action_inputs

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, STATE = 3, 2, 3, 4, 5


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    return {
        "state": jnp.asarray(random.normal(size=(*shape[:2], STATE)), jnp.float32),
        "action_features": jax.nn.one_hot(random.integers(ACTIONS, size=shape), ACTIONS),
        "probabilities": jnp.asarray(random.dirichlet(np.ones(ACTIONS), shape), jnp.float32),
        "resets": jnp.zeros(shape[:2], bool),
    }


def make_valuer(inputs, fresh=False, **settings):
    """A critic, as a function of its data, with random parameters unless they are to be fresh."""
    network = NetworkSettings(hidden_size=8, **settings)
    critic = Critic(network, inputs)
    memory = initial_memory(network, ENVIRONMENTS, inputs.values_per_state(AGENTS))
    zeros = {
        "state": jnp.zeros((1, ENVIRONMENTS, STATE)),
        "action_features": jnp.zeros((1, ENVIRONMENTS, AGENTS, ACTIONS)),
        "probabilities": jnp.zeros((1, ENVIRONMENTS, AGENTS, ACTIONS)),
        "resets": jnp.zeros((1, ENVIRONMENTS), bool),
    }
    parameters = jax.jit(critic.init)(jax.random.key(0), memory, **zeros)
    if not fresh:
        random = np.random.default_rng(0)
        parameters = jax.tree.map(
            lambda leaf: np.float32(random.normal(size=leaf.shape)), parameters
        )
    apply = jax.jit(critic.apply)
    return lambda data: np.asarray(apply(parameters, memory, **data)[1])


def with_action(data, agent, field="action_features", step=0):
    """The data with one agent's action (or probabilities) rolled to another at one step."""
    rows = data[field]
    return {**data, field: rows.at[step, :, agent].set(jnp.roll(rows[step, :, agent], 1, axis=-1))}


@pytest.mark.parametrize("own_slot", ["probabilities", "zeros"])
@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "feedforward"},
        {"kind": "recurrent", "critic_embedding_size": 6, "layer_norm": True},
    ],
)
def test_a_value_depends_on_the_others_actions_and_never_on_the_own(data, own_slot, settings):
    value = make_valuer(Gpae(own_slot=own_slot).critic_inputs, **settings)
    before = value(data)
    for agent in range(AGENTS):
        after = value(with_action(data, agent))
        np.testing.assert_array_equal(after[..., agent], before[..., agent])
        for other in set(range(AGENTS)) - {agent}:
            assert (np.abs(after[0, :, other] - before[0, :, other]) > 1e-4).all()


def test_the_own_slot_carries_the_own_probabilities_or_nothing(data):
    own, nothing = (
        make_valuer(Gpae(own_slot=slot).critic_inputs, kind="feedforward")
        for slot in ("probabilities", "zeros")
    )
    changed = with_action(data, 1, field="probabilities")
    difference = np.abs(own(changed) - own(data))[0]
    assert (difference[:, 1] > 1e-4).all()
    assert (difference[:, [0, 2]] == 0).all()
    np.testing.assert_array_equal(nothing(changed), nothing(data))


def test_joint_actions_keep_step_environment_agent_and_action_apart():
    shape = (STEPS, ENVIRONMENTS, AGENTS, ACTIONS)
    t, e, n, a = np.indices(shape)
    taken = 1000 * t + 100 * e + 10 * n + a
    rows = np.asarray(joint_action_inputs(jnp.asarray(taken), jnp.asarray(-taken)))
    assert rows.shape == (STEPS, ENVIRONMENTS, AGENTS, AGENTS * ACTIONS)
    for t, e, i, j, a in np.ndindex(STEPS, ENVIRONMENTS, AGENTS, AGENTS, ACTIONS):
        tag = 1000 * t + 100 * e + 10 * j + a
        assert rows[t, e, i, j * ACTIONS + a] == (-tag if i == j else tag)


def test_without_own_features_the_own_slot_is_zero():
    rows = np.asarray(joint_action_inputs(jnp.ones((2, AGENTS, ACTIONS)), None))
    expected = np.kron(1 - np.eye(AGENTS), np.ones((1, ACTIONS)))
    np.testing.assert_array_equal(rows, np.stack([expected, expected]))


def test_a_team_critic_has_one_value_blind_to_actions_and_policies(data):
    value = make_valuer(Mappo(agent_values=False).critic_inputs, kind="feedforward")
    values = value(data)
    assert values.shape == (STEPS, ENVIRONMENTS, 1)
    np.testing.assert_array_equal(values, value(with_action(data, 0)))
    np.testing.assert_array_equal(values, value(with_action(data, 0, "probabilities")))


def test_agent_ids_tell_the_agents_of_one_state_apart(data):
    values = make_valuer(CriticInputs(per_agent=True), kind="feedforward")(data)
    assert values.shape == (STEPS, ENVIRONMENTS, AGENTS)
    assert (np.ptp(values, axis=-1) > 1e-3).all()


@pytest.mark.parametrize("kind", ["recurrent", "feedforward"])
def test_environments_are_apart_and_the_past_knows_nothing_of_the_future(data, kind):
    value = make_valuer(Gpae().critic_inputs, kind=kind)
    before = value(data)
    after = value({**data, "state": data["state"].at[1, 0].add(1.0)})
    np.testing.assert_array_equal(after[:, 1], before[:, 1])
    np.testing.assert_array_equal(after[0], before[0])
    assert (np.abs(after[1, 0] - before[1, 0]) > 1e-4).all()
    assert (np.abs(after[2, 0] - before[2, 0]) > 1e-6).all() == (kind == "recurrent")


def test_values_begin_near_zero(data):
    assert np.abs(make_valuer(Gpae().critic_inputs, fresh=True)(data)).max() < 0.05
    assert np.abs(make_valuer(Gpae().critic_inputs)(data)).max() > 0.5
