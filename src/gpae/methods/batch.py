"""Batches: collected steps with their estimates, and the minibatches cut from them."""

from typing import Any

from flax import struct
from jaxtyping import Array, Bool, Float

from gpae.environments.environment import Actions, Observation
from gpae.networks import Policy

HiddenStates = dict[str, Any]
"""Each network's hidden state by the network's name: pytrees of arrays, [E, ...]."""


@struct.dataclass
class Steps:
    """T steps of E environments, all [T, E, ...].

    Attributes:
        observation: The observation before acting.
        first: True where a step begins an episode.
        actions: The policy's joint action, [T, E, N] or [T, E, N, A].
        log_probs: Its log-probability under the behaviour policy, [T, E, N].
        rewards: The team reward, [T, E], or a reward for each agent, [T, E, N].
        terminated: True where the episode ended for good.
        truncated: True where a time limit cut the episode off.
        forced: The agents whose actions a wrapper had replaced, [T, E, N].
    """

    observation: Observation
    first: Bool[Array, "T E"]
    actions: Actions
    log_probs: Float[Array, "T E N"]
    rewards: Float[Array, "T E"] | Float[Array, "T E N"]
    terminated: Bool[Array, "T E"]
    truncated: Bool[Array, "T E"]
    forced: Bool[Array, "T E N"]


@struct.dataclass
class Batch:
    """A window of steps with everything that gradient steps learn from, all [T, E, ...].

    Attributes:
        steps: The steps.
        policy: The policies as the iteration began, [T, E, N, A].
        policy_summary: The same as a critic reads them, [T, E, N, A].
        log_ratios: log pi - log mu of the actions as the iteration began, [T, E, N].
        advantages: The advantages, [T, E, N].
        values: Each critic's predictions of its targets as the iteration began, [T, E, C], by name.
        targets: Each critic's regression targets, [T, E, C], by name.
        weights: 1 for steps that exist, 0 for those of rollouts not collected yet, [T, E].
    """

    steps: Steps
    policy: Policy
    policy_summary: Float[Array, "T E N A"]
    log_ratios: Float[Array, "T E N"]
    advantages: Float[Array, "T E N"]
    values: dict[str, Float[Array, "T E C"]]
    targets: dict[str, Float[Array, "T E C"]]
    weights: Float[Array, "T E"]


@struct.dataclass
class Totals:
    """Denominators of the means over a minibatch, summed over all devices.

    Attributes:
        steps: Number of steps.
        living: Number of living agents in these steps.
    """

    steps: Float[Array, ""]
    living: Float[Array, ""]


@struct.dataclass
class Minibatch:
    """Chunks of a batch, or a part of them, with the hidden states that they begin with.

    Attributes:
        batch: R chunks of L steps for each of some environments, [L, R, E, ...].
        hidden_states: The networks' hidden states before the chunks' first steps, [R, E, ...].
        totals: The denominators of the whole minibatch, of which this may be a part.
    """

    batch: Batch
    hidden_states: HiddenStates
    totals: Totals

    def mean(self, terms: Float[Array, "L R E K"]) -> Float[Array, ""]:
        """The share of this part, on this device, of the mean over the whole minibatch."""
        weights = self.batch.weights[..., None]
        return (terms * weights).sum() / (self.totals.steps * terms.shape[-1])

    def mean_of_living(self, terms: Float[Array, "L R E N"]) -> Float[Array, ""]:
        """The same for the mean over living agents alone."""
        weights = self.batch.weights[..., None] * self.batch.steps.observation.alive
        return (terms * weights).sum() / self.totals.living
