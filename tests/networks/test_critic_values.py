"""What each agent's value may depend on, and what it may not."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions
from gpae.kernels.joint_actions import joint_action_rows
from gpae.methods import Coma, Dae, Gpae, Ippo, Mappo
from gpae.networks import (
    Critic,
    CriticInputs,
    CriticSpec,
    NetworkSettings,
    initial_hidden_state,
)
from gpae.networks.critic import VALUE_SCALE
from gpae.networks.network import Network

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, STATE, SEEN = 3, 2, 3, 4, 5, 6
DISCRETE, CONTINUOUS = DiscreteActions(ACTIONS), ContinuousActions(ACTIONS)


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    return {
        "state": jnp.asarray(random.normal(size=(*shape[:2], STATE)), jnp.float32),
        "observations": jnp.asarray(random.normal(size=(*shape, SEEN)), jnp.float32),
        "actions": jax.nn.one_hot(random.integers(ACTIONS, size=shape), ACTIONS),
        "policies": jnp.asarray(random.dirichlet(np.ones(ACTIONS), shape), jnp.float32),
    }


def inputs_of(spec, data):
    return CriticInputs(
        state=data["state"],
        observations=data["observations"],
        action_features=data["actions"],
        own_features=spec.own_features(data["policies"], data["actions"]),
    )


def make_valuer(spec, fresh=False, **settings):
    """A critic, as a function of its data, with random parameters unless they are to be fresh."""
    network = NetworkSettings(hidden_size=8, **settings)
    critic = Critic(network, spec)
    hidden_state = initial_hidden_state(network, ENVIRONMENTS, spec.values_per_state(AGENTS))
    sizes = {"observations": SEEN, "action_features": ACTIONS, "own_features": ACTIONS}
    zeros = {name: jnp.zeros((1, ENVIRONMENTS, AGENTS, size)) for name, size in sizes.items()}
    inputs = CriticInputs(state=jnp.zeros((1, ENVIRONMENTS, STATE)), **zeros)
    params = jax.jit(critic.init)(
        jax.random.key(0), hidden_state, inputs, jnp.zeros((1, ENVIRONMENTS), bool)
    )
    if not fresh:
        random = np.random.default_rng(0)
        params = jax.tree.map(lambda leaf: np.float32(random.normal(size=leaf.shape)), params)
    apply = jax.jit(critic.apply)
    resets = jnp.zeros((STEPS, ENVIRONMENTS), bool)
    return lambda data: np.asarray(apply(params, hidden_state, inputs_of(spec, data), resets)[1])


def with_other(data, agent, field="actions", step=0):
    """The data with an agent's action, policy or observation rolled to another at one step."""
    rows = data[field]
    return {**data, field: rows.at[step, :, agent].set(jnp.roll(rows[step, :, agent], 1, axis=-1))}


LOOKS_AT = {
    "gpae": (Gpae().critic(DISCRETE), {"state", "others' actions", "own policies"}),
    "gpae with an empty slot": (
        Gpae(own_slot="zeros").critic(CONTINUOUS),
        {"state", "others' actions"},
    ),
    "mappo": (Mappo().critic(DISCRETE), {"state"}),
    "dae": (Dae().critic(CONTINUOUS), {"state"}),
    "ippo": (Ippo().critic(DISCRETE), {"own observations"}),
    "coma, discrete": (
        Coma().critic(DISCRETE),
        {"state", "own observations", "others' actions"},
    ),
    "coma, continuous": (
        Coma().critic(CONTINUOUS),
        {"state", "own observations", "others' actions", "own actions"},
    ),
    "without ids": (
        CriticSpec(per_agent=True, agent_id=False, others_actions=True, own_slot="zeros"),
        {"state", "others' actions"},
    ),
    "reward model, discrete": (
        CriticSpec.of_joint_action(DISCRETE),
        {"state", "others' actions"},
    ),
    "reward model, continuous": (
        CriticSpec.of_joint_action(CONTINUOUS),
        {"state", "others' actions", "own actions"},
    ),
}


@pytest.mark.parametrize(
    ("name", "embedding"),
    [*((name, 0) for name in LOOKS_AT), ("gpae", 6), ("without ids", 6)],
)
def test_a_critic_looks_at_what_its_method_says_and_at_nothing_else(data, name, embedding):
    spec, expected = LOOKS_AT[name]
    value = make_valuer(spec, core="feedforward", critic_embedding_size=embedding)
    before = value(data)
    assert before.shape == (STEPS, ENVIRONMENTS, AGENTS, *(ACTIONS,) * spec.action_values)

    def changed(other):
        """Which agents' outputs changed; rectified units may hide a change in one environment."""
        difference = np.abs(value(other) - before)
        assert (difference[1:] == 0).all()
        return difference[0].reshape(ENVIRONMENTS, AGENTS, -1).max((0, 2)) > 0

    reached = {"state": changed({**data, "state": data["state"].at[0].add(1.0)})}
    for field in ("observations", "actions", "policies"):
        by_agent = np.stack([changed(with_other(data, agent, field)) for agent in range(AGENTS)])
        own = np.eye(AGENTS, dtype=bool)
        reached |= {f"own {field}": by_agent[own], f"others' {field}": by_agent[~own]}
    for source, outputs in reached.items():
        assert (outputs == (source in expected)).all(), source


@pytest.mark.parametrize("method", [Gpae(), Gpae(own_slot="zeros"), Coma()])
@pytest.mark.parametrize(
    "settings",
    [
        {"core": "feedforward"},
        {"core": "gru", "critic_embedding_size": 6, "layer_norm": True},
    ],
)
def test_a_value_depends_on_the_others_actions_and_never_on_the_own(data, method, settings):
    value = make_valuer(method.critic(DISCRETE), **settings)
    before = value(data)
    for agent in range(AGENTS):
        after = value(with_other(data, agent))
        np.testing.assert_array_equal(after[:, :, agent], before[:, :, agent])
        for other in set(range(AGENTS)) - {agent}:
            assert (np.abs(after[0, :, other] - before[0, :, other]) > 1e-4).all()


def test_the_own_slot_carries_the_own_policy_or_nothing(data):
    own, nothing = (
        make_valuer(Gpae(own_slot=slot).critic(DISCRETE), core="feedforward")
        for slot in ("policy", "zeros")
    )
    changed = with_other(data, 1, field="policies")
    difference = np.abs(own(changed) - own(data))[0]
    assert (difference[:, 1] > 1e-4).all()
    assert (difference[:, [0, 2]] == 0).all()
    np.testing.assert_array_equal(nothing(changed), nothing(data))


def test_joint_actions_keep_step_environment_agent_and_action_apart():
    shape = (STEPS, ENVIRONMENTS, AGENTS, ACTIONS)
    t, e, n, a = np.indices(shape)
    taken = 1000 * t + 100 * e + 10 * n + a
    rows = np.asarray(joint_action_rows(jnp.asarray(taken), jnp.asarray(-taken)))
    assert rows.shape == (STEPS, ENVIRONMENTS, AGENTS, AGENTS * ACTIONS)
    for t, e, i, j, a in np.ndindex(STEPS, ENVIRONMENTS, AGENTS, AGENTS, ACTIONS):
        tag = 1000 * t + 100 * e + 10 * j + a
        assert rows[t, e, i, j * ACTIONS + a] == (-tag if i == j else tag)


def test_each_own_slot_holds_what_it_is_named_after():
    taken, policy = jnp.full((2, AGENTS, ACTIONS), 1.0), jnp.full((2, AGENTS, ACTIONS), 5.0)
    others = np.kron(1 - np.eye(AGENTS), np.ones((1, ACTIONS)))
    own = np.kron(np.eye(AGENTS), np.ones((1, ACTIONS)))
    for slot, held in {"policy": 5.0, "zeros": 0.0, "action": 1.0}.items():
        spec = CriticSpec(per_agent=True, others_actions=True, own_slot=slot)
        rows = joint_action_rows(taken, spec.own_features(policy, taken))
        np.testing.assert_array_equal(rows, np.stack([others + held * own] * 2), err_msg=slot)


def test_an_unknown_own_slot_is_refused_by_name():
    spec = CriticSpec(per_agent=True, others_actions=True, own_slot="pockets")
    with pytest.raises(ValueError, match="own_slot: 'pockets' is unknown"):
        spec.own_features(jnp.zeros((AGENTS, ACTIONS)), jnp.zeros((AGENTS, ACTIONS)))


def test_what_depends_on_the_own_action_is_known_without_a_network():
    for name, (spec, expected) in LOOKS_AT.items():
        assert spec.depends_on_own_action == ("own actions" in expected or spec.action_values), name
    assert [name for name, (spec, _) in LOOKS_AT.items() if spec.action_values] == [
        "coma, discrete",
        "reward model, discrete",
    ]


def test_a_team_critic_has_one_value_blind_to_actions_and_policies(data):
    value = make_valuer(Mappo(agent_values=False).critic(DISCRETE), core="feedforward")
    values = value(data)
    assert values.shape == (STEPS, ENVIRONMENTS, 1)
    np.testing.assert_array_equal(values, value(with_other(data, 0)))
    np.testing.assert_array_equal(values, value(with_other(data, 0, "policies")))
    np.testing.assert_array_equal(values, value(with_other(data, 0, "observations")))
    assert (values != value({**data, "state": data["state"] + 1.0})).all()


@pytest.mark.parametrize("name", ["gpae", "mappo", "ippo", "coma, discrete", "without ids"])
def test_agent_ids_tell_apart_agents_that_see_and_do_the_same(data, name):
    spec, _ = LOOKS_AT[name]
    same = {
        field: jnp.broadcast_to(rows[:, :, :1], rows.shape) if field != "state" else rows
        for field, rows in data.items()
    }
    # Nothing is done, for the order of the others' places in a row tells agents apart as well.
    same["actions"] = same["policies"] = jnp.zeros_like(data["actions"])
    values = make_valuer(spec, core="feedforward")(same)
    spread = np.ptp(values, axis=2)
    assert values.shape[:3] == (STEPS, ENVIRONMENTS, AGENTS)
    assert spec.agent_id == (name not in ("ippo", "without ids"))
    rounding = 1e-6 * np.abs(values).max()
    assert (spread > 1e-3).all() if spec.agent_id else (spread <= rounding).all()


@pytest.mark.parametrize("core", ["gru", "feedforward"])
def test_environments_are_apart_and_the_past_knows_nothing_of_the_future(data, core):
    value = make_valuer(Gpae().critic(DISCRETE), core=core)
    before = value(data)
    after = value({**data, "state": data["state"].at[1, 0].add(1.0)})
    np.testing.assert_array_equal(after[:, 1], before[:, 1])
    np.testing.assert_array_equal(after[0], before[0])
    assert (np.abs(after[1, 0] - before[1, 0]) > 1e-4).all()
    assert (np.abs(after[2, 0] - before[2, 0]) > 1e-6).all() == (core == "gru")


@pytest.mark.parametrize("method", [Gpae(), Coma()])
def test_values_begin_near_zero(data, method):
    assert np.abs(make_valuer(method.critic(DISCRETE), fresh=True)(data)).max() < 0.05
    assert np.abs(make_valuer(method.critic(DISCRETE))(data)).max() > 0.5


class Given(nn.Module):
    """First layers that have been applied already."""

    def __call__(self, features):
        return features


def plain_values(settings, weights, hidden_state, inputs, resets):
    """The critic's values with its first layer as one dense layer over everything."""
    rest = dict(weights["network"])
    weights = rest.pop("encoder")
    ids = jnp.broadcast_to(jnp.eye(AGENTS), (*inputs.state.shape[:-1], AGENTS, AGENTS))
    states = jnp.repeat(inputs.state[..., None, :], AGENTS, axis=-2)
    state, observation = weights["state"]["Dense_0"], weights["observation"]["Dense_0"]
    kernel = jnp.concatenate(
        [state["kernel"], observation["kernel"], weights["agent_id"]["embedding"]]
    )
    seen = jnp.concatenate([states, inputs.observations, ids], axis=-1) @ kernel
    seen += state["bias"] + observation["bias"]
    rows = joint_action_rows(inputs.action_features, inputs.own_features)
    joint = rows @ weights["joint_action"]["kernel"]
    features = jax.nn.relu(seen + joint)
    if settings.critic_embedding_size:
        both = jnp.concatenate([jax.nn.relu(seen), jax.nn.relu(joint)], axis=-1)
        last = weights["Hidden_0"]["Dense_0"]
        features = jax.nn.relu(both @ last["kernel"] + last["bias"])
    network = Network(settings, Given(), 1, VALUE_SCALE)
    return network.apply({"params": rest}, hidden_state, features, resets)[1].squeeze(-1)


@pytest.mark.slow
@pytest.mark.parametrize("embedding", [0, 6])
def test_the_first_layer_is_one_dense_layer_over_everything(embedding, data):
    settings = NetworkSettings(hidden_size=8, critic_embedding_size=embedding)
    spec = CriticSpec(per_agent=True, own_observation=True, others_actions=True)
    critic, inputs = Critic(settings, spec), inputs_of(spec, data)
    hidden_state = initial_hidden_state(settings, ENVIRONMENTS, AGENTS)
    resets = jnp.zeros((STEPS, ENVIRONMENTS), bool)
    random = np.random.default_rng(0)
    weights = jax.tree.map(
        lambda leaf: np.float32(random.normal(size=leaf.shape)),
        critic.init(jax.random.key(0), hidden_state, inputs, resets)["params"],
    )
    weighting = jnp.asarray(random.normal(size=(STEPS, ENVIRONMENTS, AGENTS)), jnp.float32)

    def score(values):
        return (values * weighting).sum(), values

    found, expected = (
        jax.value_and_grad(lambda weights, of=of: score(of(weights)), has_aux=True)(weights)
        for of in (
            lambda weights: critic.apply({"params": weights}, hidden_state, inputs, resets)[1],
            lambda weights: plain_values(settings, weights, hidden_state, inputs, resets),
        )
    )
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4),
        found,
        expected,
    )
