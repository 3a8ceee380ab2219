"""Mixers: VDN's is the sum; QMIX's rises with every agent's value, whatever its weights."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.networks import MonotonicMixer, SumMixer, apply_mixer, mixers

AGENTS, SEEN, DRAWS = 4, 5, 200
MIXER = MonotonicMixer(size=6, hypernetwork_size=7, scale=1.0)


def random_parameters(count):
    """Parameters of ``count`` mixers, biases as well, of very different sizes."""
    shapes = jax.eval_shape(MIXER.init, jax.random.key(0), jnp.zeros(AGENTS), jnp.zeros(SEEN))
    random = np.random.default_rng(0)
    sizes = 10.0 ** random.uniform(-1, 1, count)
    return jax.tree.map(
        lambda leaf: np.float32(
            random.normal(size=(count, *leaf.shape)) * sizes.reshape(-1, *[1] * leaf.ndim)
        ),
        shapes,
    )


@pytest.fixture(scope="module")
def draws():
    """Random mixers, agents' values and states."""
    random = np.random.default_rng(1)
    values = random.normal(size=(DRAWS, AGENTS)) * 10.0 ** random.uniform(-1, 2, (DRAWS, 1))
    states = 3 * random.normal(size=(DRAWS, SEEN))
    return random_parameters(DRAWS), np.float32(values), np.float32(states)


def slopes(params, values, states):
    """The gradient of each mixer's value by each agent's."""
    mix = jax.grad(lambda values, params, state: MIXER.apply(params, values, state))
    return np.asarray(jax.jit(jax.vmap(mix))(values, params, states))


def rises(params, values, states):
    """What each mixer's value gains where one agent's rises by 1, a column an agent."""
    mix = jax.jit(jax.vmap(lambda params, *inputs: MIXER.apply(params, *inputs)))
    base = mix(params, values, states)
    lifted = [mix(params, values + row, states) for row in np.eye(AGENTS, dtype=np.float32)]
    return np.stack([(each - base) / np.maximum(np.abs(base), 1.0) for each in lifted], axis=1)


def test_qmix_is_monotonic_in_every_agents_value(draws):
    assert (slopes(*draws) >= 0).all()
    assert (slopes(*draws) > 1e-3).any(axis=0).all()
    assert (rises(*draws) >= -1e-6).all()
    assert (rises(*draws) > 1e-3).any(axis=0).all()


def test_weights_with_signs_would_be_found_out(draws, monkeypatch):
    signed = SimpleNamespace(abs=lambda weights: weights, einsum=jnp.einsum)
    monkeypatch.setattr(mixers, "jnp", signed)
    assert (slopes(*draws) < -1e-3).any(axis=0).all()
    assert (rises(*draws) < -1e-3).any(axis=0).all()


def test_the_agents_own_best_actions_are_the_teams_best(draws):
    params, _, states = draws
    utilities = np.float32(np.random.default_rng(2).normal(size=(DRAWS, AGENTS, 3)))
    joint = np.stack(np.meshgrid(*[range(3)] * AGENTS, indexing="ij"), -1).reshape(-1, AGENTS)
    of_joint = utilities[:, np.arange(AGENTS), joint]
    mix = jax.jit(
        jax.vmap(lambda *given: MIXER.apply(given[0], given[1], given[2]), in_axes=(0, 0, 0))
    )
    states = np.broadcast_to(states[:, None], (DRAWS, len(joint), SEEN))
    team = np.asarray(mix(params, of_joint, states))
    own_best = mix(params, utilities.max(-1), states[:, 0])
    np.testing.assert_allclose(team.max(1), own_best, rtol=1e-5, atol=1e-5)


def test_qmix_against_its_equation():
    """Every weight from the flax parameters by hand: no axis is merged with another."""
    params = jax.tree.map(lambda leaf: leaf[0], random_parameters(1))
    layers = [params["params"][f"Dense_{number}"] for number in range(7)]
    random = np.random.default_rng(3)
    values = np.float32(random.normal(size=(2, 3, AGENTS)))
    states = np.float32(random.normal(size=(2, 3, SEEN)))

    def dense(layer, inputs):
        return inputs @ layer["kernel"] + layer["bias"]

    def made(outer, inner, state):
        return dense(layers[outer], np.maximum(dense(layers[inner], state), 0))

    expected = np.zeros((2, 3))
    for place in np.ndindex(2, 3):
        state = states[place]
        # flax numbers layers as they are made: the output layer of a hypernetwork comes first
        weights = np.abs(made(0, 1, state)).reshape(AGENTS, 6)
        hidden = dense(layers[2], state) + sum(values[place][i] * weights[i] for i in range(AGENTS))
        hidden = np.where(hidden > 0, hidden, np.expm1(np.minimum(hidden, 0)))
        expected[place] = hidden @ np.abs(made(3, 4, state)) + made(5, 6, state)[0]
    np.testing.assert_allclose(apply_mixer(MIXER, params, values, states), expected, rtol=1e-4)


def test_qmix_looks_at_the_state_and_vdn_does_not(draws):
    params, values, states = draws
    first = jax.tree.map(lambda leaf: leaf[0], params)
    mixed = apply_mixer(MIXER, first, np.broadcast_to(values[:1], values.shape), states)
    assert len(np.unique(mixed)) == DRAWS
    assert SumMixer().init(jax.random.key(0), values, states) == {}
    summed = apply_mixer(SumMixer(), {}, values, states)
    np.testing.assert_allclose(summed, values.sum(-1), rtol=1e-6)
