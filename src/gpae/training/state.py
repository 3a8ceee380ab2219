"""Everything a training run is at one moment, as pytrees of arrays."""

from dataclasses import fields
from typing import Any

import optax
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PyTree

from gpae.environments.environment import Actions, EnvironmentState, Observation
from gpae.networks import Policy
from gpae.training.keys import Clock


@struct.dataclass
class Params:
    """The parameters of the networks; None for a reward model that the method does not have."""

    actor: Any
    critic: Any
    reward_model: Any = None


def network_names(params: Params) -> list[str]:
    """The networks that there are."""
    names = [field.name for field in fields(params)]
    return [name for name in names if getattr(params, name) is not None]


@struct.dataclass
class OptimiserStates:
    """The optimisers' states, one for each of the networks."""

    actor: optax.OptState
    critic: optax.OptState
    reward_model: optax.OptState | None = None


@struct.dataclass
class HiddenStates:
    """Hidden states, trees of any arrays: the actor's [E, N, ...] and the critic's [E, C, ...]."""

    actor: PyTree
    critic: PyTree


@struct.dataclass
class Steps:
    """What happened over T steps in E environments, all [T, E, ...].

    Attributes:
        observation: What was seen before acting.
        first: True where a step begins an episode.
        actions: The joint action, as the policy has it, [T, E, N] or [T, E, N, A].
        log_probs: Its log-probability under the behaviour policy, [T, E, N].
        rewards: The team reward.
        terminated: The step ended its episode for good.
        truncated: A time limit cut the episode off at this step.
        forced: Which agents' actions a wrapper had replaced, [T, E, N].
    """

    observation: Observation
    first: Bool[Array, "T E"]
    actions: Actions
    log_probs: Float[Array, "T E N"]
    rewards: Float[Array, "T E"]
    terminated: Bool[Array, "T E"]
    truncated: Bool[Array, "T E"]
    forced: Bool[Array, "T E N"]


@struct.dataclass
class Truncations:
    """The true successors of truncated steps, in K slots an environment.

    Only truncated steps need a successor of their own (elsewhere it is the next step's observation,
    or its value is multiplied by 0), and a time limit of L steps cuts at most ceil(T / L) times in
    T.

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
        hidden_states: The recurrent states before the first step.
    """

    steps: Steps
    truncations: Truncations
    hidden_states: HiddenStates


@struct.dataclass
class Behaviour:
    """What acted over T steps in E environments.

    Attributes:
        policy: The policy of each step, [T, E, N, A].
        hidden_states: The actor's recurrent states *after* each step, [T, E, N, M].
        at_successors: Those of them after truncated steps, in the slots of the rollout's
            :class:`Truncations`, and after the last step, [K+1, E, N, M].
    """

    policy: Policy
    hidden_states: PyTree
    at_successors: PyTree


@struct.dataclass
class Window:
    """The last M rollouts, oldest first; each field of ``rollouts`` has M in front.

    Attributes:
        rollouts: The rollouts, contiguous in time: each begins where the one before it stopped.
        valid: Which of them exist yet, [M]; those that do are the last ones.
    """

    rollouts: Rollout
    valid: Bool[Array, " M"]


@struct.dataclass
class Collector:
    """Where collection stands.

    Attributes:
        environment_state: The environments' own states, [E, ...].
        observation: What will be acted on next, [E, ...].
        first: True where that begins an episode, [E].
        hidden_states: The recurrent states before the next step.
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
        collector: The environments and what acting in them remembers.
        window: The rollouts kept.
    """

    clock: Clock
    params: Params
    optimiser_states: OptimiserStates
    collector: Collector
    window: Window

    @property
    def update(self) -> Int[Array, ""]:
        """The number of updates made."""
        return self.clock.update
