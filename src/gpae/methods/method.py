"""What a method is: what it asks of a critic, and how it turns a batch into advantages and targets.

The policy-gradient learner (:mod:`gpae.training.learner`) is written once; methods differ in
nothing else.
"""

from dataclasses import dataclass
from typing import Protocol

from flax import struct
from jaxtyping import Array, Bool, Float, Int

from gpae.environments.environment import ActionSpace
from gpae.networks import CriticSpec


@struct.dataclass
class OwnActions:
    """What the critic says of K actions that each agent might have taken, the others' as they were.

    Where actions are numbered, these are all of them. Where they are real numbers, the first is the
    one taken, with probability 0, and the others are samples of the current policy.

    Attributes:
        values: The value of each, [T, E, N, K].
        probabilities: The weight of each in an expectation under the current policy, [T, E, N, K].
        taken: Which of them was taken, [T, E, N].
    """

    values: Float[Array, "T E N K"]
    probabilities: Float[Array, "T E N K"]
    taken: Int[Array, "T E N"]


@struct.dataclass
class Evidence:
    """All a method may use to estimate advantages, over a window of T steps in E environments.

    Attributes:
        rewards: Team rewards, [T, E].
        discounts: gamma, or 0 where the step terminated its episode, [T, E].
        boundaries: True where a step is the last of its episode, [T, E].
        values: The critic's values with the current parameters, [T, E, C] (C = N, or 1 for a team
            value); of the action taken, where the critic has action values.
        next_values: The critic's values at the true successor, [T, E, C].
        log_ratios: log pi^i - log mu^i of the action taken, [T, E, N].
        resampled: True where the successor's joint action was sampled from the current policy
            instead of taken from the data (the window's last step and truncated steps), [T, E].
        own_actions: The values of the agents' other actions, for a critic that depends on them.
        expected_rewards: E_{a^i}[r] by the reward model, for methods that have one, [T, E, N].
    """

    rewards: Float[Array, "T E"]
    discounts: Float[Array, "T E"]
    boundaries: Bool[Array, "T E"]
    values: Float[Array, "T E C"]
    next_values: Float[Array, "T E C"]
    log_ratios: Float[Array, "T E N"]
    resampled: Bool[Array, "T E"]
    own_actions: OwnActions | None = None
    expected_rewards: Float[Array, "T E N"] | None = None


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
    """What the paper's Table 1 says of a method, and what it leaves out.

    Attributes:
        credit: How far an agent's own credit reaches: ``none``, ``1-step``, ``n-step``, or
            ``implicit`` where there are no advantages.
        off_policy: Whether its source defines it for data of older policies.
        additional_bias: Whether it stays biased with lambda = 1 and an exact critic; None where
            there is no lambda.
        source: Where the method comes from.
        note: What the columns do not say.
    """

    credit: str
    off_policy: bool
    additional_bias: bool | None
    source: str
    note: str = ""


class Method(Protocol):
    """A policy-gradient method, as the learner sees it.

    Attributes:
        own_action_samples: How many of its own real-numbered actions an expectation is taken over.
        reward_models: How many reward models are learned beside the critic; 0 for none.
    """

    own_action_samples: int
    reward_models: int

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """What its critic looks at and says, for a kind of actions."""

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages and targets from the evidence."""
