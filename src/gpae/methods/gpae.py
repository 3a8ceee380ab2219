"""GPAE: per-agent advantages from a critic of the state and the others' actions (Eqs. 5 to 11)."""

from dataclasses import dataclass

from gpae.environments.environment import ActionSpace
from gpae.estimators import gpae, value_targets
from gpae.methods.method import Estimate, Evidence, Properties
from gpae.methods.off_policy import OffPolicyCorrection
from gpae.networks import CriticSpec

PROPERTIES = Properties(
    credit="n-step",
    off_policy=True,
    additional_bias=False,
    source="Kim et al., AAMAS 2026",
    note="off-policy, exact only with bootstrap=corrected, trace_scheme=inner or untruncated, and "
    "target_limit=inf (docs/theory.md)",
)


@dataclass
class Gpae(OffPolicyCorrection):
    """The paper's method; on-policy it is Eq. 5, with a replay window Eq. 7 and the DT-ISR traces.

    Attributes:
        own_slot: What the critic for agent i sees in agent i's own action slot: its ``policy`` (the
            probabilities, or the mean), or ``zeros``.
        target_limit: Upper limit of the ratio rho^i in the value target: 1 in Eq. 11; infinite for
            none, which with the corrected bootstrap and inner traces is exact in expectation.
    """

    name: str = "gpae"
    own_slot: str = "policy"
    target_limit: float = 1.0

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """A value for each agent, of the state and the others' actions."""
        return CriticSpec(per_agent=True, others_actions=True, own_slot=self.own_slot)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages (Eq. 7) and value targets (Eq. 11)."""
        coefficients = self.coefficients(evidence.log_ratios)
        advantages = gpae(
            evidence.rewards,
            evidence.values,
            evidence.next_values,
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
            bootstrap_weights=self.bootstrap_weights(evidence),
        )
        targets = value_targets(
            evidence.values, advantages, evidence.log_ratios, limit=self.target_limit
        )
        return Estimate(advantages=advantages, targets=targets, coefficients=coefficients)
