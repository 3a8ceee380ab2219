"""Policy-gradient methods: the base class, with the off-policy corrections that they may use."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.environments.environment import ActionSpace, EnvironmentSpec
from gpae.estimators import (
    double_truncated_traces,
    individual_truncated_traces,
    joint_truncated_traces,
    uncorrected_traces,
)
from gpae.fields import choice, fraction, positive_or_infinite
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Method
from gpae.methods.networks import LearnedNetwork, ValueNetwork
from gpae.methods.settings import UpdateSettings
from gpae.networks import CriticSpec, NetworkSettings

TRACE_SCHEMES = ("double", "joint", "individual", "none")
BOOTSTRAPS = ("paper", "corrected")

_LARGEST_LOG_WEIGHT = 20.0
"""Of a bootstrap weight without a limit of its own, so that none overflows."""

_NOT_CONTRACTING = ("individual", "none")
"""Trace schemes with which the corrected operator need not contract."""


@dataclass
class PolicyGradientMethod(Method, ABC):
    """An advantage estimator with the critics that it needs, trained by clipped policy gradients.

    A subclass names its critic's inputs (:meth:`critic`) and turns a window of evidence into
    advantages and targets (:meth:`estimate`). One that learns further networks extends
    :meth:`networks`.

    Attributes:
        lambda_: The trace parameter lambda, in [0, 1].
        trace_scheme: The scheme of the trace coefficients: ``double`` (Eq. 8), ``joint``,
            ``individual`` (section 4.3) or ``none``.
        eta: Inner truncation of the double scheme.
    """

    lambda_: float = fraction(0.95)
    trace_scheme: str = choice("double", TRACE_SCHEMES)
    eta: float = positive_or_infinite(1.02)

    family: ClassVar[str] = "policy_gradient"
    defaults: ClassVar[Mapping[str, Any]] = {"window.length": 1}

    @abstractmethod
    def critic(self, actions: ActionSpace) -> CriticSpec:
        """The inputs and outputs of the network ``critic``, for a kind of actions."""

    @abstractmethod
    def estimate(self, evidence: Evidence) -> Estimate:
        """The advantages, and the targets of every critic."""

    def networks(
        self, spec: EnvironmentSpec, network: NetworkSettings, update: UpdateSettings
    ) -> dict[str, LearnedNetwork]:
        """The networks learned beside the actor, by name; by default the critic alone.

        Args:
            spec: The environment's sizes.
            network: The shape of the networks.
            update: The settings of the gradient steps.
        """
        critic = self.critic(spec.actions)
        return {"critic": ValueNetwork("critic", critic, network, update)}

    def coefficients(self, log_ratios: Float[Array, "T E N"]) -> Float[Array, "T E N"]:
        """The trace coefficients, lambda left out."""
        match self.trace_scheme:
            case "double":
                return double_truncated_traces(log_ratios, 1.0, self.eta)
            case "joint":
                return joint_truncated_traces(log_ratios, 1.0)
            case "individual":
                return individual_truncated_traces(log_ratios, 1.0)
            case "none":
                return uncorrected_traces(log_ratios, 1.0)
        raise ValueError(
            f"trace_scheme: expected one of {TRACE_SCHEMES}, found {self.trace_scheme!r}"
        )


@dataclass
class CorrectableBootstrap(PolicyGradientMethod):
    """A method whose successor values depend on actions, so that their bootstrap can be corrected.

    Attributes:
        bootstrap: ``paper`` bootstraps on the others' actions as the data has them (Eq. 7);
            ``corrected`` weights that value by their ratio rho^-i, which removes its bias.
        bootstrap_limit: Upper limit of that weight; infinite for none.
    """

    bootstrap: str = choice("paper", BOOTSTRAPS)
    bootstrap_limit: float = positive_or_infinite(float("inf"))

    def bootstrap_weights(self, evidence: Evidence) -> Float[Array, "T E N"] | None:
        """Weights of each step's successor value, or None for the estimator as printed.

        The successor's joint action is the data's next one, so its weight is rho^-i of the next
        step; where it was sampled from the current policy the weight is 1, and so it is at every
        boundary: what follows there in the data is another episode's.
        """
        joint = evidence.log_ratios.sum(-1, keepdims=True)
        return self.weights_of_next(joint - evidence.log_ratios, evidence)

    def weights_of_next(
        self, log_ratios: Float[Array, "T E N"], evidence: Evidence
    ) -> Float[Array, "T E N"] | None:
        """The next step's ratios as weights, 1 where what follows is not the data's next action."""
        if self.bootstrap == "paper":
            return None
        following = jnp.concatenate([log_ratios[1:], jnp.zeros_like(log_ratios[:1])])
        limit = jnp.minimum(jnp.log(self.bootstrap_limit), _LARGEST_LOG_WEIGHT)
        weights = jnp.exp(jnp.minimum(following, limit))
        elsewhere = evidence.resampled | evidence.boundaries
        return jnp.where(elsewhere[..., None], 1.0, weights)

    def cautions(self) -> list[str]:
        """The trace schemes with which the corrected operator need not contract."""
        if self.bootstrap == "corrected" and self.trace_scheme in _NOT_CONTRACTING:
            return [
                f"method.bootstrap=corrected with method.trace_scheme={self.trace_scheme} need not "
                "converge; double and joint traces do (docs/theory.md)"
            ]
        return []
