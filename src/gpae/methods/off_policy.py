"""The off-policy corrections every method may use: trace schemes and bootstrap weights."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.estimators import (
    double_truncated_traces,
    individual_truncated_traces,
    joint_truncated_traces,
    uncorrected_traces,
)
from gpae.methods.method import Evidence

TRACE_SCHEMES = ("double", "joint", "individual", "none")
BOOTSTRAPS = ("paper", "corrected")

_LARGEST_LOG_WEIGHT = 20.0
"""Of a bootstrap weight without a limit of its own, so that none overflows."""


@dataclass
class OffPolicyCorrection:
    """How data of older policies is corrected for; the base of every policy-gradient method.

    Attributes:
        lambda_: The trace parameter lambda, in [0, 1].
        traces: Trace scheme: ``double`` (Eq. 8), ``joint``, ``individual`` (section 4.3) or
            ``none``.
        eta: Inner truncation of the double scheme.
        bootstrap: ``paper`` bootstraps on the others' actions as the data has them (Eq. 7);
            ``corrected`` weights that value by their ratio rho^-i, which removes its bias.
        bootstrap_limit: Upper limit of that weight; infinite for none.
    """

    lambda_: float = 0.95
    traces: str = "double"
    eta: float = 1.02
    bootstrap: str = "paper"
    bootstrap_limit: float = float("inf")

    own_action_samples = 0
    reward_models = 0

    def coefficients(self, log_ratios: Float[Array, "T E N"]) -> Float[Array, "T E N"]:
        """The trace coefficients c, with lambda left out."""
        match self.traces:
            case "double":
                return double_truncated_traces(log_ratios, 1.0, self.eta)
            case "joint":
                return joint_truncated_traces(log_ratios, 1.0)
            case "individual":
                return individual_truncated_traces(log_ratios, 1.0)
            case "none":
                return uncorrected_traces(log_ratios, 1.0)
        raise ValueError(f"traces: expected one of {TRACE_SCHEMES}, found {self.traces!r}")

    def bootstrap_weights(self, evidence: Evidence) -> Float[Array, "T E N"] | None:
        """What each step's successor value is multiplied by, or None for the estimator as printed.

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
