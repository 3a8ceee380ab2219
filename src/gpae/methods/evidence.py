"""Evidence: everything that a method may use to estimate advantages over a window of steps."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from flax import struct
from jaxtyping import Array, Bool, Float, Int


@struct.dataclass
class OwnActions:
    """A network's values of K actions of each agent, the other agents' actions as taken.

    Discrete actions are all there. Of continuous ones, the first is the action taken, with
    probability 0, and the others are samples of the current policy.

    Attributes:
        values: The value of each, [T, E, N, K].
        probabilities: Its weight in an expectation under the current policy, [T, E, N, K].
        taken: The index of the action taken, [T, E, N].
    """

    values: Float[Array, "T E N K"]
    probabilities: Float[Array, "T E N K"]
    taken: Int[Array, "T E N"]

    def expectation(self) -> Float[Array, "T E N"]:
        """The expected value over the agent's own action under the current policy."""
        return (self.probabilities * self.values).sum(-1)


class NetworkEvidence(Protocol):
    """The values of one learned network, with its current parameters."""

    @property
    def values(self) -> Float[Array, "T E C"]:
        """Values of the steps, of the actions taken where the network has action values."""

    @property
    def next_values(self) -> Float[Array, "T E C"]:
        """Values at each step's true successor."""

    def own_actions(self, samples: int) -> OwnActions:
        """Values of each agent's own actions, for a network that depends on them.

        Args:
            samples: Number of samples of the own action, where actions are continuous.
        """


@dataclass(frozen=True)
class Evidence:
    """A window of T steps in E environments, as estimators read it.

    Attributes:
        rewards: Team rewards, [T, E], or rewards for each agent, [T, E, N].
        discounts: gamma, or 0 where the step terminated its episode, [T, E].
        boundaries: True where a step is the last of its episode, [T, E].
        log_ratios: log pi^i - log mu^i of the action taken, [T, E, N].
        resampled: True where the successor's joint action was sampled from the current policy
            instead of taken from the data (the window's last step and truncated steps), [T, E].
        networks: The values of each of the method's networks, by the network's name.
    """

    rewards: Float[Array, "T E"] | Float[Array, "T E N"]
    discounts: Float[Array, "T E"]
    boundaries: Bool[Array, "T E"]
    log_ratios: Float[Array, "T E N"]
    resampled: Bool[Array, "T E"]
    networks: Mapping[str, NetworkEvidence]

    @property
    def values(self) -> Float[Array, "T E C"]:
        """The values of the network ``critic``."""
        return self.networks["critic"].values

    @property
    def next_values(self) -> Float[Array, "T E C"]:
        """The values of the network ``critic`` at each step's true successor."""
        return self.networks["critic"].next_values


@struct.dataclass
class Estimate:
    """A method's estimate over a window.

    Attributes:
        advantages: One for each agent, not yet normalised, [T, E, N].
        targets: Regression targets, [T, E, C], by the name of the critic.
        coefficients: The trace coefficients, lambda left out, for diagnostics, [T, E, N].
    """

    advantages: Float[Array, "T E N"]
    targets: dict[str, Float[Array, "T E C"]]
    coefficients: Float[Array, "T E N"]
