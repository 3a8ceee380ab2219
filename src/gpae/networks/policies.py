"""Distributions over the agents' actions, discrete and continuous, behind one interface."""

from typing import Protocol, Self

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.environments.environment import Actions

UNAVAILABLE_LOGIT = -1e10

_HALF_LOG_TWO_PI = 0.5 * np.log(2.0 * np.pi)

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(16)
"""Gauss-Hermite quadrature of a standard normal's expectation, once divided by the weights' sum."""


class Policy(Protocol):
    """The agents' distributions over actions, [*b, N, A], as a pytree with a batch's axes.

    Samples, log-probabilities and records are of a policy's own *actions*. An environment gets
    :meth:`executed`, and a critic :meth:`features` of them.
    """

    def sample(self, key: PRNGKeyArray) -> Actions:
        """Draw the agents' actions."""

    def mode(self) -> Actions:
        """The most likely actions."""

    def log_prob(self, actions: Actions) -> Float[Array, "*b N"]:
        """Log-probability, or log-density, of each agent's action."""

    def entropy(self) -> Float[Array, "*b N"]:
        """Entropy of each agent's policy, in nats."""

    def executed(self, actions: Actions) -> Actions:
        """The actions for the environment to carry out."""

    def features(self, actions: Actions) -> Float[Array, "*b N A"]:
        """Actions as a critic reads them: one-hot, or as carried out."""

    def centred_features(self, actions: Actions) -> Float[Array, "*b N F"]:
        """Features of actions whose mean under the policy is zero, in closed form."""

    def summary(self) -> Float[Array, "*b N A"]:
        """The policy as a critic reads it: the probabilities, or the mean as carried out."""

    def __getitem__(self, index: int) -> Self:
        """The policy at one place of the leading axis."""


@struct.dataclass
class CategoricalPolicy:
    """Categorical distributions over A discrete actions.

    Attributes:
        logits: Unnormalised log-probabilities, :data:`UNAVAILABLE_LOGIT` where an action may not be
            taken, [*b, N, A].
    """

    logits: Float[Array, "*b N A"]

    @property
    def probabilities(self) -> Float[Array, "*b N A"]:
        """The probability of each action."""
        return jax.nn.softmax(self.logits)

    @property
    def log_probabilities(self) -> Float[Array, "*b N A"]:
        """The log-probability of each action, about -1e10 where an action may not be taken."""
        return jax.nn.log_softmax(self.logits)

    def sample(self, key: PRNGKeyArray) -> Int[Array, "*b N"]:
        """Draw one action an agent."""
        return jax.random.categorical(key, self.log_probabilities)

    def mode(self) -> Int[Array, "*b N"]:
        """The most likely action of each agent."""
        return self.logits.argmax(-1).astype(jnp.int32)

    def log_prob(self, actions: Actions) -> Float[Array, "*b N"]:
        """Log-probability of each agent's action."""
        return (self.log_probabilities * self.features(actions)).sum(-1)

    def entropy(self) -> Float[Array, "*b N"]:
        """Entropy of each agent's policy, in nats."""
        return -(self.probabilities * self.log_probabilities).sum(-1)

    def executed(self, actions: Actions) -> Actions:
        """The actions themselves."""
        return actions

    def features(self, actions: Actions) -> Float[Array, "*b N A"]:
        """One-hot actions."""
        return jax.nn.one_hot(actions, self.logits.shape[-1])

    def centred_features(self, actions: Actions) -> Float[Array, "*b N A"]:
        """One-hot actions less the probabilities."""
        return self.features(actions) - self.probabilities

    def summary(self) -> Float[Array, "*b N A"]:
        """The probabilities."""
        return self.probabilities

    def __getitem__(self, index: int) -> "CategoricalPolicy":
        """The policy at one place of the leading axis."""
        return jax.tree.map(lambda leaf: leaf[index], self)


@struct.dataclass
class GaussianPolicy:
    """Independent normal distributions over A action dimensions.

    Samples and log-probabilities are of the unbounded action. Carried out is that action clipped
    to the bounds or, where ``squash`` is set, ``low + (high - low) (1 + tanh x) / 2``. The change
    of density that squashing brings is the same for target and behaviour policy: it cancels in
    every ratio and is left out of :meth:`log_prob`, but counts in :meth:`entropy`.

    Attributes:
        mean: Mean of each dimension, [*b, N, A].
        log_std: Logarithm of the standard deviation, [*b, N, A].
        mask: The dimensions that an agent has, [*b, N, A]; the others are 0 and count nowhere.
        low: The lower bound of each dimension.
        high: The upper bound.
        squash: Whether actions are squashed into the bounds instead of clipped.
    """

    mean: Float[Array, "*b N A"]
    log_std: Float[Array, "*b N A"]
    mask: Bool[Array, "*b N A"]
    low: float = struct.field(pytree_node=False)
    high: float = struct.field(pytree_node=False)
    squash: bool = struct.field(pytree_node=False, default=False)

    def sample(self, key: PRNGKeyArray) -> Float[Array, "*b N A"]:
        """Draw every agent's action, unbounded."""
        noise = jax.random.normal(key, self.mean.shape, self.mean.dtype)
        return jnp.where(self.mask, jnp.exp(self.log_std) * noise + self.mean, 0.0)

    def mode(self) -> Float[Array, "*b N A"]:
        """The means."""
        return jnp.where(self.mask, self.mean, 0.0)

    def log_prob(self, actions: Actions) -> Float[Array, "*b N"]:
        """Log-density of each agent's unbounded action, over all its dimensions."""
        standardised = (actions - self.mean) / jnp.exp(self.log_std)
        return self._over_dimensions(-0.5 * standardised**2 - self.log_std - _HALF_LOG_TWO_PI)

    def entropy(self) -> Float[Array, "*b N"]:
        """Differential entropy of each agent's policy before clipping, or after squashing."""
        entropy = 0.5 + _HALF_LOG_TWO_PI + self.log_std
        if self.squash:
            entropy = entropy + self._expected_log_slope()
        return self._over_dimensions(entropy)

    def executed(self, actions: Actions) -> Float[Array, "*b N A"]:
        """The actions within the bounds."""
        if self.squash:
            bounded = self.low + (self.high - self.low) * 0.5 * (1.0 + jnp.tanh(actions))
        else:
            bounded = jnp.clip(actions, self.low, self.high)
        return jnp.where(self.mask, bounded, 0.0)

    def features(self, actions: Actions) -> Float[Array, "*b N A"]:
        """The actions within the bounds."""
        return self.executed(actions)

    def centred_features(self, actions: Actions) -> Float[Array, "*b N 2A"]:
        """Unbounded actions less their means, and the squares of that less the variances."""
        deviation = jnp.where(self.mask, actions - self.mean, 0.0)
        excess = jnp.where(self.mask, deviation**2 - jnp.exp(2.0 * self.log_std), 0.0)
        return jnp.concatenate([deviation, excess], axis=-1)

    def summary(self) -> Float[Array, "*b N A"]:
        """The means, within the bounds."""
        return self.executed(self.mean)

    def __getitem__(self, index: int) -> "GaussianPolicy":
        """The policy at one place of the leading axis."""
        return jax.tree.map(lambda leaf: leaf[index], self)

    def _over_dimensions(self, each: Float[Array, "*b N A"]) -> Float[Array, "*b N"]:
        return jnp.where(self.mask, each, 0.0).sum(-1)

    def _expected_log_slope(self) -> Float[Array, "*b N A"]:
        """Expected logarithm of the squashing's slope, by quadrature: no sample, no noise."""
        points = self.mean[..., None] + jnp.exp(self.log_std)[..., None] * _NODES
        log_slope = 2.0 * (jnp.log(2.0) - points - jax.nn.softplus(-2.0 * points))
        scale = np.log(0.5 * (self.high - self.low))
        return (log_slope * (_WEIGHTS / _WEIGHTS.sum())).sum(-1) + scale


def sample(keys: PRNGKeyArray, policy: Policy, axis: int = 0) -> Actions:
    """Sample actions with one key an environment, so that no environment's draw depends on another.

    Args:
        keys: One key for each environment, [E].
        policy: The policy, with environments on ``axis``.
        axis: The axis of the environments.
    """
    return jax.vmap(lambda key, each: each.sample(key), in_axes=(0, axis), out_axes=axis)(
        keys, policy
    )
