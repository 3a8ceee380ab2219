"""The cores: their hidden states, what they forget, and their names."""

import re
from pathlib import Path

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.errors import UserError
from gpae.networks import CORES, NetworkSettings, initial_hidden_state

STEPS, ENVIRONMENTS, AGENTS, SIZE, FEATURES = 4, 3, 2, 6, 5
RECURRENT = ("gru", "lstm")
LEAVES = {"gru": 1, "lstm": 2, "feedforward": 0}


@pytest.fixture(params=RECURRENT)
def core(request):
    """A core's name, and its hidden states and features by hidden state, inputs and resets."""
    settings = NetworkSettings(core=request.param, hidden_size=SIZE)
    module = CORES[request.param](settings)
    start = initial_hidden_state(settings, ENVIRONMENTS, AGENTS)
    inputs = jnp.zeros((STEPS, ENVIRONMENTS, AGENTS, FEATURES))
    resets = jnp.zeros((STEPS, ENVIRONMENTS, AGENTS), bool)
    params = module.init(jax.random.key(0), start, inputs, resets)
    apply = jax.jit(module.apply)
    return start, lambda *given: apply(params, *given)


@pytest.mark.parametrize("name", LEAVES)
def test_the_hidden_state_is_a_tree_of_zeros(name):
    settings = NetworkSettings(core=name, hidden_size=SIZE)
    leaves = jax.tree.leaves(initial_hidden_state(settings, 7, 2))
    assert len(leaves) == LEAVES[name]
    assert all(leaf.shape == (7, 2, SIZE) and not leaf.any() for leaf in leaves)
    assert len({leaf.unsafe_buffer_pointer() for leaf in leaves}) == len(leaves)


def test_a_core_without_hidden_state_has_an_empty_tuple():
    settings = NetworkSettings(core="feedforward", hidden_size=SIZE)
    assert initial_hidden_state(settings, 7, 2) == ()
    inputs, resets = jnp.ones((STEPS, 7, FEATURES)), jnp.zeros((STEPS, 7), bool)
    core = CORES["feedforward"](settings)
    (hidden_states, features), _ = core.init_with_output(jax.random.key(0), (), inputs, resets)
    assert hidden_states == ()
    assert features.shape == (STEPS, 7, SIZE)


def test_an_unknown_core_is_refused_by_name():
    with pytest.raises(UserError, match=r"no network.core 'grru' \(did you mean gru\?\)"):
        initial_hidden_state(NetworkSettings(core="grru"), 1)


def test_the_documentations_core_is_a_running_mean_within_an_episode(monkeypatch):
    monkeypatch.setattr(CORES, "_entries", CORES.registered())
    text = (Path(__file__).parents[2] / "docs/extending.md").read_text()
    (block,) = [
        block for block in re.findall(r"```python\n(.*?)```", text, re.S) if "Core" in block
    ]
    exec(block, {"__name__": __name__})
    settings = NetworkSettings(core="mean", hidden_size=SIZE)
    inputs = np.float32(np.random.default_rng(0).normal(size=(STEPS, 1, FEATURES)))
    resets = np.array([[True], [False], [True], [False]])
    start, core = initial_hidden_state(settings, 1), CORES["mean"](settings)
    (_, found), params = core.init_with_output(jax.random.key(0), start, inputs, resets)
    dense = params["params"]["Dense_0"]
    each = np.maximum(inputs @ dense["kernel"] + dense["bias"], 0.0)
    expected = [each[0], each[:2].mean(0), each[2], each[2:].mean(0)]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_one_step_is_flaxs_gru_with_its_parameters():
    hidden_state, inputs = jax.random.normal(jax.random.key(0), (2, 6, 8))
    core = CORES["gru"](NetworkSettings(hidden_size=8))
    flax, steps = nn.GRUCell(8), (hidden_state, inputs[None], jnp.zeros((1, 6), bool))
    params = flax.init(jax.random.key(1), hidden_state, inputs)
    shapes = jax.tree.map(jnp.shape, core.init(jax.random.key(1), *steps))
    assert shapes == jax.tree.map(jnp.shape, params)
    np.testing.assert_allclose(
        core.apply(params, *steps)[0][0], flax.apply(params, hidden_state, inputs)[0], atol=1e-6
    )


def test_time_environments_and_agents_are_kept_apart(core):
    start, run = core
    inputs = jnp.zeros((STEPS, ENVIRONMENTS, AGENTS, FEATURES))
    resets = jnp.zeros((STEPS, ENVIRONMENTS, AGENTS), bool)
    still = run(start, inputs, resets)[1]
    for t, e, n in np.ndindex(resets.shape):
        moved = run(start, inputs.at[t, e, n].set(1.0), resets)[1]
        changed = jnp.any(moved != still, axis=-1)
        expected = jnp.zeros_like(resets).at[t:, e, n].set(True)
        np.testing.assert_array_equal(changed, expected)


def test_a_reset_forgets_every_part_of_the_hidden_state(core):
    """With one part alone kept, what follows a reset would differ from a new episode's."""
    start, run = core
    random = np.random.default_rng(0)
    inputs = np.float32(random.normal(size=(STEPS, ENVIRONMENTS, AGENTS, FEATURES)))
    never = jnp.zeros((STEPS, ENVIRONMENTS, AGENTS), bool)
    fresh = run(start, inputs, never)
    leaves, structure = jax.tree.flatten(start)
    for place, leaf in enumerate(leaves):
        full = jax.tree.unflatten(structure, [*leaves[:place], leaf + 2.0, *leaves[place + 1 :]])
        remembered = run(full, inputs, never)[1]
        assert (np.abs(remembered - fresh[1]).max((1, 2, 3)) > 1e-3).all()
        forgotten = run(full, inputs, never.at[0, 1].set(True))
        for found, expected in zip(jax.tree.leaves(forgotten), jax.tree.leaves(fresh), strict=True):
            np.testing.assert_array_equal(found[:, 1], expected[:, 1])
        assert (np.abs(forgotten[1] - fresh[1])[0, [0, 2]] > 0).any()
