"""The buffer holds what was put in, the newest of it, and gives whole trajectories back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import PartitionSpec

from gpae.environments import Observation
from gpae.training.q_learning.buffer import (
    BUFFER_SPECS,
    add,
    empty_buffer,
    sample,
    trajectories_held,
)
from gpae.training.q_learning.state import Trajectories
from gpae.training.reduce import DEVICES
from gpae.training.state import Truncations

STEPS, ENVIRONMENTS, CUTS, AGENTS, ACTIONS, SEEN, STATE = 3, 4, 2, 2, 3, 5, 6
SLOTS = 3


def tagged(number):
    """Trajectories in which every element says which one, when, whose and where it is."""

    def tags(*shape):
        places = sum(10**power * axis for power, axis in enumerate(np.indices(shape)[::-1]))
        return jnp.asarray(places + 10**6 * number, jnp.float32)

    def observation(rows):
        return Observation(
            observations=tags(rows, ENVIRONMENTS, AGENTS, SEEN),
            state=tags(rows, ENVIRONMENTS, STATE),
            available_actions=tags(rows, ENVIRONMENTS, AGENTS, ACTIONS) % 2 == 0,
            alive=tags(rows, ENVIRONMENTS, AGENTS) % 2 == 0,
        )

    return Trajectories(
        observation=observation(STEPS),
        first=tags(STEPS, ENVIRONMENTS) % 2 == 0,
        actions=tags(STEPS, ENVIRONMENTS, AGENTS).astype(jnp.int32),
        rewards=tags(STEPS, ENVIRONMENTS),
        terminated=tags(STEPS, ENVIRONMENTS) % 3 == 0,
        truncations=Truncations(
            observation=observation(CUTS), index=tags(CUTS, ENVIRONMENTS).astype(jnp.int32)
        ),
    )


compiled_add = jax.jit(add)
compiled_sample = jax.jit(sample, static_argnums=2)


def filled(count):
    buffer = empty_buffer(tagged(0), SLOTS * ENVIRONMENTS + ENVIRONMENTS - 1)
    for number in range(count):
        buffer = compiled_add(buffer, tagged(number))
    return buffer


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "kept"), [(1, [0]), (3, [0, 1, 2]), (4, [1, 2, 3]), (8, [5, 6, 7])]
)
def test_every_trajectory_of_the_newest_rollouts_comes_back_whole(count, kept):
    drawn = jax.tree.map(np.asarray, compiled_sample(filled(count), jax.random.key(0), 400))
    numbers = drawn.rewards[0].astype(int) // 10**6
    environments = drawn.rewards[0].astype(int) % 10
    seen = set(zip(numbers.tolist(), environments.tolist(), strict=True))
    assert seen == {(number, e) for number in kept for e in range(ENVIRONMENTS)}
    given = [jax.tree.map(np.asarray, tagged(number)) for number in range(count)]
    expected = jax.tree.map(
        lambda *each: np.stack(
            [each[n][:, e] for n, e in zip(numbers, environments, strict=True)], axis=1
        ),
        *given,
    )
    jax.tree.map(np.testing.assert_array_equal, drawn, expected)


def test_the_size_is_shared_out_to_environments_and_rounded_down():
    assert filled(0).experience.rewards.shape == (ENVIRONMENTS, SLOTS, STEPS)


@pytest.mark.parametrize("count", [0, 2, 3, 7])
def test_the_number_held_is_counted_over_all_devices(over_devices, count):
    for devices in (1, 2):
        counted = over_devices(trajectories_held, devices, in_specs=(BUFFER_SPECS,))
        assert counted(filled(count)) == min(count, SLOTS) * ENVIRONMENTS


@pytest.mark.slow
def test_each_device_adds_and_draws_its_own_environments(over_devices):
    def add_and_draw(buffer, trajectories):
        return add(buffer, trajectories), sample(buffer, jax.random.key(0), 50)

    split = PartitionSpec(None, DEVICES)
    run = over_devices(
        add_and_draw, 2, in_specs=(BUFFER_SPECS, split), out_specs=(BUFFER_SPECS, split)
    )
    buffer, drawn = run(filled(2), tagged(2))
    jax.tree.map(np.testing.assert_array_equal, buffer, filled(3))
    environments = np.asarray(drawn.rewards[0]).astype(int) % 10
    assert [set(half.tolist()) for half in np.split(environments, 2)] == [{0, 1}, {2, 3}]
