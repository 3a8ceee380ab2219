"""Episodes under way that are cut off, as new ones take their place."""

import jax
import jax.numpy as jnp
import numpy as np

from gpae.environments import Observation
from gpae.methods import Steps
from gpae.training.collection import empty_truncations
from gpae.training.state import CollectorState, Rollout
from gpae.training.window import append, cut_off, empty_window

STEPS, ENVIRONMENTS = 3, 4


def seen(number):
    """An observation of each environment, whose state is a number and the environment's own."""
    return Observation(
        observations=jnp.zeros((ENVIRONMENTS, 1, 1)),
        state=jnp.stack([jnp.full(ENVIRONMENTS, number), jnp.arange(ENVIRONMENTS)], 1),
        available_actions=jnp.ones((ENVIRONMENTS, 1, 1), bool),
        alive=jnp.ones((ENVIRONMENTS, 1), bool),
    )


def rollout(truncated):
    flags = jnp.zeros((STEPS, ENVIRONMENTS), bool)
    steps = Steps(
        observation=jax.tree.map(lambda leaf: jnp.stack([leaf] * STEPS), seen(0)),
        first=flags,
        actions=flags[..., None],
        log_probs=flags[..., None],
        rewards=flags,
        terminated=flags,
        truncated=jnp.asarray(truncated),
        forced=flags[..., None],
    )
    return Rollout(
        steps=steps, truncations=empty_truncations(seen(0), STEPS, STEPS), hidden_states={}
    )


def test_the_newest_rollout_ends_in_truncations_with_their_true_successors():
    truncated = np.zeros((STEPS, ENVIRONMENTS), bool)
    truncated[1, 2] = truncated[2, 3] = True
    made = rollout(truncated)
    used = made.truncations.index.at[0, 2].set(1).at[0, 3].set(2)
    made = made.replace(truncations=made.truncations.replace(index=used))
    window = append(append(empty_window(made, 2), rollout(0 * truncated)), made)
    first = np.array([False, True, False, True])
    collector = CollectorState(None, seen(7), jnp.asarray(first), {}, None, None)
    found = jax.device_get(cut_off(window, collector).rollouts)
    np.testing.assert_array_equal(found.steps.truncated[-1, :-1], truncated[:-1])
    np.testing.assert_array_equal(found.steps.truncated[-1, -1], truncated[-1] | ~first)
    assert not found.steps.truncated[0].any()
    np.testing.assert_array_equal(
        found.truncations.index[-1], [[2, 3, 1, 2], [3, 3, 2, 3], [3, 3, 3, 3]]
    )
    successors = found.truncations.observation.state[-1]
    np.testing.assert_array_equal(successors[0, 0], [7, 0])
    np.testing.assert_array_equal(successors[1, 2], [7, 2])
    assert (found.truncations.index[0] == STEPS).all()
