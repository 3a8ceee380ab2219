"""Off-policy corrections that every policy-gradient method may use: traces and bootstrap."""

from dataclasses import dataclass
from typing import Literal

from jaxtyping import Array, Float

from gpae.estimators import DEFAULT_ETA, bootstrap_weights, traces
from gpae.methods.method import Evidence


@dataclass
class OffPolicyCorrection:
    """Correction for data of older policies; the base of every policy-gradient method.

    Attributes:
        lambda_: The trace parameter lambda, in [0, 1].
        trace_scheme: Trace scheme: ``double`` (Eq. 8), ``joint`` or ``individual`` (section 4.3),
            ``inner`` (Eq. 8 without its outer truncation), ``untruncated`` or ``none``.
        eta: Bound on the others' ratio in the double and inner schemes.
        bootstrap: ``paper`` bootstraps on the others' actions as the data has them (Eq. 7);
            ``corrected`` weights that value by their ratio rho^-i: exact in expectation with
            ``inner`` and ``untruncated``, less biased with the others.
        bootstrap_limit: Upper limit of that weight; infinite for none.
    """

    lambda_: float = 0.95
    trace_scheme: str = "double"
    eta: float = DEFAULT_ETA
    bootstrap: str = "paper"
    bootstrap_limit: float = float("inf")

    own_action_samples = 0
    reward_models = 0

    def coefficients(self, log_ratios: Float[Array, "T E N"]) -> Float[Array, "T E N"]:
        """Trace coefficients c, lambda left out."""
        return traces(self.trace_scheme, log_ratios, 1.0, self.eta)

    def bootstrap_weights(
        self, evidence: Evidence, actions: Literal["others", "joint"] = "others"
    ) -> Float[Array, "T E N"] | None:
        """Weights of the successors' values, or None for the estimator as printed.

        Args:
            evidence: The window's steps.
            actions: Actions that the critic's values depend on, see
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
