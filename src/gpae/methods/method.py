"""What a method is: what it asks of a critic, and how it turns a batch into advantages and targets.

The policy-gradient learner (:mod:`gpae.training.learner`) is written once; methods differ in
nothing else.
"""

from dataclasses import dataclass
from typing import Protocol

from flax import struct
from jaxtyping import Array, Bool, Float

from gpae.networks import CriticInputs


@struct.dataclass
class Evidence:
    """All a method may use to estimate advantages, over a window of T steps in E environments.

    Attributes:
        rewards: Team rewards, [T, E].
        discounts: gamma, or 0 where the step terminated its episode, [T, E].
        boundaries: True where a step is the last of its episode, [T, E].
        values: The critic's values with the current parameters, [T, E, C] (C = N, or 1 for a team
            value).
        next_values: The critic's values at the true successor, [T, E, C].
        log_ratios: log pi^i - log mu^i of the action taken, [T, E, N].
        resampled: True where the successor's joint action was sampled from the current policy
            instead of taken from the data (the window's last step and truncated steps), [T, E].
    """

    rewards: Float[Array, "T E"]
    discounts: Float[Array, "T E"]
    boundaries: Bool[Array, "T E"]
    values: Float[Array, "T E C"]
    next_values: Float[Array, "T E C"]
    log_ratios: Float[Array, "T E N"]
    resampled: Bool[Array, "T E"]


@struct.dataclass
class Estimate:
    """What a method makes of the evidence.

    Attributes:
        advantages: One for each agent, not yet normalised, [T, E, N].
        targets: What the critic is regressed on, [T, E, C].
        coefficients: The trace coefficients without lambda, for diagnostics, [T, E, N].
    """

    advantages: Float[Array, "T E N"]
    targets: Float[Array, "T E C"]
    coefficients: Float[Array, "T E N"]


@dataclass(frozen=True)
class Properties:
    """What the paper's Table 1 says of a method.

    Attributes:
        credit: How far an agent's own credit reaches: ``none``, ``1-step`` or ``n-step``.
        off_policy: Whether its source defines it for data of older policies.
        additional_bias: Whether it stays biased with lambda = 1 and an exact critic.
        source: Where the method comes from.
    """

    credit: str
    off_policy: bool
    additional_bias: bool
    source: str


class Method(Protocol):
    """A policy-gradient method, as the learner sees it."""

    @property
    def critic_inputs(self) -> CriticInputs:
        """What its critic looks at."""

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages and targets from the evidence."""
