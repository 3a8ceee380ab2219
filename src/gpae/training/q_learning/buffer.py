"""The replay buffer: the newest trajectories of each environment, kept in a Flashbax buffer.

An item is a whole trajectory, so a sampled sequence always begins with an episode, where hidden
state is
empty: nothing stale is stored, and nothing has to be warmed up.
"""

import jax
import jax.numpy as jnp
from flashbax.buffers import trajectory_buffer
from flashbax.buffers.trajectory_buffer import TrajectoryBufferState
from jaxtyping import Array, Float, PRNGKeyArray

from gpae.training.q_learning.state import Trajectories
from gpae.training.reduce import global_sum
from gpae.training.sharding import BY_ENVIRONMENT, EVERYWHERE

BUFFER_SPECS = TrajectoryBufferState(
    experience=BY_ENVIRONMENT, current_index=EVERYWHERE, is_full=EVERYWHERE
)
"""Each device holds the trajectories of its own environments."""


def empty_buffer(trajectories: Trajectories, size: int) -> TrajectoryBufferState:
    """A buffer for trajectories of the environments of those given, of which only shapes are used.

    Args:
        trajectories: One trajectory an environment, [T, E, ...]: arrays or their shapes.
        size: Number to keep, of all environments together; each environment has size // E.
    """
    environments = trajectories.rewards.shape[1]
    one = jax.tree.map(
        lambda leaf: jnp.zeros((leaf.shape[0], *leaf.shape[2:]), leaf.dtype), trajectories
    )
    return trajectory_buffer.init(one, environments, size // environments)


def add(buffer: TrajectoryBufferState, trajectories: Trajectories) -> TrajectoryBufferState:
    """Add one trajectory an environment, [T, E, ...]; in a full buffer it replaces the oldest."""
    items = jax.tree.map(lambda leaf: leaf.swapaxes(0, 1)[:, None], trajectories)
    return trajectory_buffer.add(buffer, items)


def sample(buffer: TrajectoryBufferState, key: PRNGKeyArray, count: int) -> Trajectories:
    """Draw trajectories uniformly and with replacement, [T, count, ...]."""
    drawn = trajectory_buffer.sample(buffer, key, count, sequence_length=1, period=1)
    return jax.tree.map(lambda leaf: leaf[:, 0].swapaxes(0, 1), drawn.experience)


def trajectories_held(buffer: TrajectoryBufferState) -> Float[Array, ""]:
    """The number of trajectories on all devices."""
    environments, slots = buffer.experience.rewards.shape[:2]
    each = jnp.where(buffer.is_full, slots, buffer.current_index)
    return global_sum(jnp.full(environments, each, jnp.float32))
