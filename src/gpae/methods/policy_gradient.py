"""Policy-gradient methods: the base class, with the off-policy corrections that they may use."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.environments.environment import ActionSpace, EnvironmentSpec
from gpae.estimators import BOOTSTRAPS, DEFAULT_ETA, TRACE_SCHEMES, bootstrap_weights, traces
from gpae.fields import choice, fraction, positive_or_infinite
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Method
from gpae.methods.networks import LearnedNetwork, ValueNetwork
from gpae.methods.settings import UpdateSettings
from gpae.networks import CriticSpec, NetworkSettings


@dataclass
class PolicyGradientMethod(Method, ABC):
    """An advantage estimator with the critics that it needs, trained by clipped policy gradients.

    A subclass names its critic's inputs (:meth:`critic`) and turns a window of evidence into
    advantages and targets (:meth:`estimate`). One that learns further networks extends
    :meth:`networks`.

    Attributes:
        lambda_: The trace parameter lambda, in [0, 1].
        trace_scheme: The scheme of the trace coefficients: ``double`` (Eq. 8), ``joint`` or
            ``individual`` (section 4.3), ``inner`` (Eq. 8 without its outer truncation),
            ``untruncated`` or ``none``.
        eta: Bound on the others' ratio in the double and inner schemes.
    """

    lambda_: float = fraction(0.95)
    trace_scheme: str = choice("double", TRACE_SCHEMES)
    eta: float = positive_or_infinite(DEFAULT_ETA)

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

    def baselines(self, evidence: Evidence) -> Float[Array, "T E N"]:
        """The part of each agent's advantage that is subtracted at the step itself: EQ^i or V.

        Args:
            evidence: The window's steps.
        """
        return jnp.broadcast_to(evidence.values, evidence.log_ratios.shape)

    def coefficients(self, log_ratios: Float[Array, "T E N"]) -> Float[Array, "T E N"]:
        """The trace coefficients, lambda left out."""
        return traces(self.trace_scheme, log_ratios, 1.0, self.eta)


@dataclass
class CorrectableBootstrap(PolicyGradientMethod):
    """A method whose successor values depend on actions, so that their bootstrap can be corrected.

    Attributes:
        bootstrap: ``paper`` bootstraps on the others' actions as the data has them (Eq. 7);
            ``corrected`` weights that value by their ratio rho^-i: exact in expectation with
            ``inner`` and ``untruncated`` traces, less biased with the others.
        bootstrap_limit: Upper limit of that weight; infinite for none.
    """

    bootstrap: str = choice("paper", BOOTSTRAPS)
    bootstrap_limit: float = positive_or_infinite(float("inf"))

    def bootstrap_weights(
        self, evidence: Evidence, actions: Literal["others", "joint"] = "others"
    ) -> Float[Array, "T E N"] | None:
        """Weights of the successors' values, or None for the estimator as printed.

        Args:
            evidence: The window's steps.
            actions: The actions that the critic's values depend on, see
                :func:`gpae.estimators.bootstrap_weights`.
        """
        if self.bootstrap == "paper":
            return None
        return bootstrap_weights(
            evidence.log_ratios,
            evidence.boundaries,
            evidence.resampled,
            actions=actions,
            limit=self.bootstrap_limit,
        )

    def cautions(self) -> list[str]:
        """The trace schemes with which the off-policy operator need not contract."""
        contracting = [
            name for name, each in TRACE_SCHEMES.items() if self.bootstrap in each.contracts_with
        ]
        if self.trace_scheme in contracting:
            return []
        return [
            f"method.bootstrap={self.bootstrap} with method.trace_scheme={self.trace_scheme} need "
            f"not converge; {', '.join(contracting)} do (docs/theory.md)"
        ]
