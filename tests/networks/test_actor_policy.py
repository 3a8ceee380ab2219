"""The policy: masks, agent ids, hidden state, and sampling one environment at a time."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions
from gpae.networks import Actor, CategoricalPolicy, NetworkSettings, initial_hidden_state, sample
from gpae.networks.policies import UNAVAILABLE_LOGIT

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, SEEN = 6, 2, 3, 4, 5


@pytest.fixture
def data():
    random = np.random.default_rng(0)
    shape = (STEPS, ENVIRONMENTS, AGENTS)
    available = random.random((*shape, ACTIONS)) < 0.5
    available[..., 0] = True
    return {
        "observations": jnp.asarray(random.normal(size=(*shape, SEEN)), jnp.float32),
        "available_actions": jnp.asarray(available),
        "resets": jnp.zeros(shape[:2], bool),
    }


def make_policy(data, **settings):
    """Random parameters, scaled up: (hidden state, data) to (hidden states, policy)."""
    network = NetworkSettings(hidden_size=8, **settings)
    actor = Actor(network, DiscreteActions(ACTIONS))
    hidden_state = initial_hidden_state(network, ENVIRONMENTS, AGENTS)
    params = jax.jit(actor.init)(jax.random.key(0), hidden_state, **data)
    params = jax.tree.map(lambda leaf: 3 * leaf, params)
    apply = jax.jit(actor.apply)
    return hidden_state, lambda hidden_state, data: apply(params, hidden_state, **data)


def part(data, start, end):
    return {name: leaf[start:end] for name, leaf in data.items()}


def test_unavailable_actions_have_probability_zero_and_are_never_drawn(data):
    hidden_state, act = make_policy(data)
    _, policy = act(hidden_state, data)
    available = np.asarray(data["available_actions"])
    assert (np.asarray(policy.probabilities)[~available] == 0).all()
    assert (np.asarray(policy.probabilities)[available] > 0).all()
    np.testing.assert_allclose(policy.probabilities.sum(-1), 1.0, rtol=1e-6)
    drawn = np.asarray(jax.vmap(policy.sample)(jax.random.split(jax.random.key(1), 200)))
    chosen = np.take_along_axis(
        np.broadcast_to(available, (200, *available.shape)), drawn[..., None], -1
    )
    assert chosen.all()


@pytest.mark.parametrize("told", [True, False])
def test_agents_that_see_the_same_act_apart_only_if_told_who_they_are(data, told):
    first = data["observations"][:, :, :1]
    same = {
        **data,
        "observations": jnp.broadcast_to(first, data["observations"].shape),
        "available_actions": jnp.ones_like(data["available_actions"]),
    }
    hidden_state, act = make_policy(same, core="feedforward", actor_agent_id=told)
    spread = np.ptp(np.asarray(act(hidden_state, same)[1].probabilities), axis=2).max(-1)
    assert (spread > 1e-3).all() == told
    assert (spread == 0).all() != told


def test_hidden_state_carries_over_a_cut_in_time_and_not_over_an_episode(data):
    hidden_state, act = make_policy(data)
    whole, policy = act(hidden_state, data)
    middle, _ = act(hidden_state, part(data, 0, 3))
    _, continued = act(middle[-1], part(data, 3, STEPS))
    _, fresh = act(hidden_state, part(data, 3, STEPS))
    np.testing.assert_allclose(continued.logits, policy.logits[3:], rtol=1e-5, atol=1e-5)
    assert np.abs(fresh.probabilities - policy.probabilities[3:]).max() > 1e-3
    np.testing.assert_allclose(middle[-1], whole[2], atol=1e-5)

    begins = {**data, "resets": data["resets"].at[3, 0].set(True)}
    _, separate = act(hidden_state, begins)
    np.testing.assert_allclose(separate.logits[3:, 0], fresh.logits[:, 0], rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(separate.logits[:, 1], policy.logits[:, 1])


def test_a_feed_forward_network_has_no_hidden_state(data):
    hidden_state, act = make_policy(data, core="feedforward")
    hidden_states, policy = act(hidden_state, data)
    assert hidden_state == hidden_states == ()
    changed = {**data, "observations": data["observations"].at[0].add(1.0)}
    np.testing.assert_array_equal(act(hidden_state, changed)[1].logits[1:], policy.logits[1:])


def test_an_environments_draw_depends_on_its_own_key_and_policy_alone():
    keys = jax.random.split(jax.random.key(0), 5)
    logits = jax.random.normal(jax.random.key(1), (5, AGENTS, ACTIONS))
    together = sample(keys, CategoricalPolicy(logits))
    backwards = sample(keys[::-1], CategoricalPolicy(logits[::-1]))
    alone = sample(keys[3:4], CategoricalPolicy(logits[3:4]))
    assert together.shape == (5, AGENTS)
    np.testing.assert_array_equal(backwards[::-1], together)
    np.testing.assert_array_equal(alone[0], together[3])


def test_sampling_knows_the_axis_of_the_environments():
    keys = jax.random.split(jax.random.key(0), ENVIRONMENTS)
    t, e, n = np.indices((STEPS, ENVIRONMENTS, AGENTS))
    tag = (t + 2 * e + n) % ACTIONS
    certain = CategoricalPolicy(100.0 * jax.nn.one_hot(tag, ACTIONS))
    np.testing.assert_array_equal(sample(keys, certain, axis=1), tag)


def test_samples_follow_the_policy():
    count = 4000
    probabilities = jnp.array([[0.5, 0.3, 0.2, 0.0], [0.1, 0.1, 0.1, 0.7]])
    logits = jnp.log(jnp.maximum(probabilities, 1e-30))
    policy = CategoricalPolicy(jnp.broadcast_to(logits, (count, 2, 4)))
    drawn = sample(jax.random.split(jax.random.key(0), count), policy)
    frequencies = jax.nn.one_hot(drawn, 4).mean(0)
    np.testing.assert_allclose(frequencies, probabilities, atol=4 * 0.5 / count**0.5)


def test_the_numbers_of_a_categorical_policy_are_those_of_its_probabilities():
    random = np.random.default_rng(0)
    probabilities = random.dirichlet(np.ones(ACTIONS), size=(STEPS, AGENTS))
    actions = random.integers(ACTIONS, size=(STEPS, AGENTS))
    policy = CategoricalPolicy(jnp.asarray(3.0 + np.log(probabilities), jnp.float32))
    taken = np.take_along_axis(probabilities, actions[..., None], -1)[..., 0]
    np.testing.assert_allclose(policy.log_prob(actions), np.log(taken), rtol=1e-4)
    entropy = -(probabilities * np.log(probabilities)).sum(-1)
    np.testing.assert_allclose(policy.entropy(), entropy, rtol=1e-4)
    np.testing.assert_allclose(policy.summary(), probabilities, rtol=1e-4)
    np.testing.assert_array_equal(policy.mode(), probabilities.argmax(-1))
    np.testing.assert_array_equal(policy.features(actions), np.eye(ACTIONS)[actions])
    np.testing.assert_array_equal(policy.executed(actions), actions)
    np.testing.assert_array_equal(policy[4].log_prob(actions[4]), policy.log_prob(actions)[4])


def test_unavailable_actions_add_nothing_to_entropy_and_get_no_gradient():
    logits = jnp.array([[0.7, -0.3, UNAVAILABLE_LOGIT], [2.0, *[UNAVAILABLE_LOGIT] * 2]])
    actions = jnp.array([1, 0])
    p = 1 / (1 + np.exp(-1.0))
    policy = CategoricalPolicy(logits)
    expected = [-(p * np.log(p) + (1 - p) * np.log(1 - p)), 0.0]
    np.testing.assert_allclose(policy.entropy(), expected, rtol=1e-6)
    np.testing.assert_allclose(policy.log_prob(actions), [np.log(1 - p), 0.0], rtol=1e-6)
    np.testing.assert_array_less(policy.log_prob(jnp.array([2, 1])), -1e9)

    def total(logits, name):
        policy = CategoricalPolicy(logits)
        return (policy.entropy() if name == "entropy" else policy.log_prob(actions)).sum()

    slope = p * (1 - p) * 1.0
    of_entropy = jax.grad(total)(logits, "entropy")
    of_log_prob = jax.grad(total)(logits, "log_prob")
    np.testing.assert_allclose(of_entropy, [[-slope, slope, 0], [0, 0, 0]], rtol=1e-5)
    np.testing.assert_allclose(of_log_prob, [[-p, p, 0], [0, 0, 0]], rtol=1e-5)


def test_a_draw_is_the_largest_of_the_log_probabilities_and_gumbel_noise():
    key = jax.random.key(3)
    logits = 3.0 * jax.random.normal(jax.random.key(4), (50, AGENTS, ACTIONS))
    noise = jax.random.gumbel(key, logits.shape)
    expected = (jax.nn.log_softmax(logits) + noise).argmax(-1)
    np.testing.assert_array_equal(CategoricalPolicy(logits).sample(key), expected)
