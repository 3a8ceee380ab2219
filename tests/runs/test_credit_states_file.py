"""States come back from their file as they were, and those of something else are refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.credit import CreditStates
from gpae.environments import Observation
from gpae.errors import UserError
from gpae.runs.credit_states import load_states, save_states


def states(count, size=2):
    numbers = jnp.arange(count * size, dtype=jnp.float32).reshape(count, size)
    mask = numbers[..., None] % 3 != 0
    return CreditStates(
        environment_state={
            "place": jnp.arange(count),
            "noise": jax.random.split(jax.random.key(1), count),
        },
        observation=Observation(numbers[..., None], numbers, mask, mask[..., 0]),
        first=jnp.arange(count) % 2 == 0,
        hidden_states={"actor": (numbers, 2 * numbers), "critic": ()},
        actions=numbers.astype(jnp.int8),
        forced=mask[..., 0],
    )


def test_states_come_back_as_they_were(tmp_path):
    save_states(states(5), tmp_path / "states.npz")
    found = load_states(tmp_path / "states.npz", states(1))
    assert jax.tree.structure(found) == jax.tree.structure(states(5))
    for leaf, other in zip(jax.tree.leaves(found), jax.tree.leaves(states(5)), strict=True):
        assert leaf.dtype == other.dtype
        if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf, other = jax.random.key_data(leaf), jax.random.key_data(other)
        np.testing.assert_array_equal(leaf, other)


def test_states_of_something_else_are_refused(tmp_path):
    save_states(states(5), tmp_path / "states.npz")
    with pytest.raises(UserError, match="differs"):
        load_states(tmp_path / "states.npz", states(5, size=3))
    with pytest.raises(UserError, match="cannot read"):
        load_states(tmp_path / "absent.npz", states(5))
