"""The state of a Q-learning run as pytrees of arrays."""

import optax
from flashbax.buffers.trajectory_buffer import TrajectoryBufferState
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from gpae.environments.environment import Observation
from gpae.training.keys import Clock
from gpae.training.state import Params, Truncations


@struct.dataclass
class Trajectories:
    """B trajectories of T steps, each from the first step of an episode on, [T, B, ...].

    A trajectory may hold several episodes. Its end counts as a truncation: the successor of
    its last step is kept, unless that step terminated.

    Attributes:
        observation: The observation before acting.
        first: True where a step begins an episode.
        actions: The joint action carried out, [T, B, N].
        rewards: The team reward.
        terminated: The step ended its episode for good.
        truncations: The true successors of truncated steps and of the last one, [K, B, ...].
    """

    observation: Observation
    first: Bool[Array, "T B"]
    actions: Int[Array, "T B N"]
    rewards: Float[Array, "T B"]
    terminated: Bool[Array, "T B"]
    truncations: Truncations


@struct.dataclass
class QState:
    """A run between two updates.

    No environment is under way then: every rollout begins with new episodes.

    Attributes:
        clock: The run's seed and the number of updates made.
        params: The online networks' parameters: ``actor``, the agents' Q-network, and ``mixer``.
        target_params: The target networks' parameters.
        optimiser_states: The optimiser's state.
        buffer: The trajectories kept.
    """

    clock: Clock
    params: Params
    target_params: Params
    optimiser_states: optax.OptState
    buffer: TrajectoryBufferState

    @property
    def update(self) -> Int[Array, ""]:
        """The number of updates made."""
        return self.clock.update
