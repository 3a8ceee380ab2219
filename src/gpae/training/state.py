"""The state of a training run as pytrees of arrays."""

from typing import Any

import optax
from flax import struct
from jaxtyping import Array, Bool, Float, Int

from gpae.environments.environment import EnvironmentState, Observation
from gpae.methods import HiddenStates, Steps
from gpae.training.keys import Clock

Params = dict[str, Any]
"""The parameters of each network by the network's name; ``actor`` is the policy's."""

OptimiserStates = dict[str, optax.OptState]
"""The optimiser's state of each network by the network's name."""


@struct.dataclass
class Truncations:
    """The true successors of truncated steps, in K slots an environment.

    Only truncated steps need a successor of their own (elsewhere it is the next step's observation,
    or its value is multiplied by 0). Where nothing but a time limit of L steps truncates, that is
    at most ceil(T / L) times in T; elsewhere there is a slot for each step.

    Attributes:
        observation: The successor, [K, E, ...]; zeros in an unused slot.
        index: The step it follows, in 0 .. T-1, [K, E]; T in an unused slot.
    """

    observation: Observation
    index: Int[Array, "K E"]


@struct.dataclass
class Rollout:
    """One iteration's collection: T steps of E environments.

    Attributes:
        steps: The steps, [T, E, ...].
        truncations: The successors of truncated steps, [K, E, ...].
        hidden_states: The networks' hidden states before the first step, [E, ...].
    """

    steps: Steps
    truncations: Truncations
    hidden_states: HiddenStates


@struct.dataclass
class Forward:
    """A network's forward pass over T steps of E environments.

    Attributes:
        outputs: Its outputs, [T, E, ...]; the actor's are its policies.
        hidden_states: The hidden states *after* each step, [T, E, ...].
        at_successors: Those of them after truncated steps, in the slots of the rollout's
            :class:`Truncations`, and after the last step, [K+1, E, ...].
    """

    outputs: Any
    hidden_states: Any
    at_successors: Any


@struct.dataclass
class Window:
    """The last M rollouts, oldest first; each field of ``rollouts`` has M in front.

    Attributes:
        rollouts: The rollouts, contiguous in time: each begins where the one before it stopped.
        valid: True for those that exist yet, [M]; they are the last ones.
    """

    rollouts: Rollout
    valid: Bool[Array, " M"]


@struct.dataclass
class CollectorState:
    """Environments between two rollouts.

    Attributes:
        environment_state: The environments' own states, [E, ...].
        observation: The observation to act on next, [E, ...].
        first: True where that begins an episode, [E].
        hidden_states: The networks' hidden states before the next step, [E, ...].
        episode_return: Reward so far of the running episodes, [E].
        episode_length: Steps so far of the running episodes, [E].
    """

    environment_state: EnvironmentState
    observation: Observation
    first: Bool[Array, " E"]
    hidden_states: HiddenStates
    episode_return: Float[Array, " E"]
    episode_length: Int[Array, " E"]


@struct.dataclass
class TrainingState:
    """A run between two updates.

    Attributes:
        clock: The run's seed and the number of updates made.
        params: The networks' parameters.
        optimiser_states: The optimisers' states.
        collector: The environments.
        window: The rollouts kept.
    """

    clock: Clock
    params: Params
    optimiser_states: OptimiserStates
    collector: CollectorState
    window: Window

    @property
    def update(self) -> Int[Array, ""]:
        """The number of updates made."""
        return self.clock.update
