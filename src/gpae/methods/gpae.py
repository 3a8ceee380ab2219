"""GPAE: per-agent advantages from a critic of the state and the others' actions (Eqs. 5 to 11)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gpae.environments.environment import ActionSpace
from gpae.estimators import gpae, value_targets
from gpae.fields import choice, positive_or_infinite
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.policy_gradient import CorrectableBootstrap
from gpae.networks import CriticSpec
from gpae.networks.critic import OWN_SLOTS


@register_method
@dataclass
class Gpae(CorrectableBootstrap):
    """The paper's method; on-policy it is Eq. 5, with a replay window Eq. 7 and the DT-ISR traces.

    Attributes:
        own_slot: The content of agent i's own action slot in its critic's input: its ``policy``
            (the probabilities, or the mean), or ``zeros``.
        target_limit: Upper limit of the ratio rho^i in the value target: 1 in Eq. 11; infinite for
            none, which with the corrected bootstrap and inner traces is exact in expectation.
    """

    name: str = "gpae"
    own_slot: str = choice("policy", OWN_SLOTS)
    target_limit: float = positive_or_infinite(1.0)

    defaults: ClassVar[Mapping[str, Any]] = {"window.length": 4}
    table1: ClassVar[Table1Row] = Table1Row(
        credit="n-step",
        off_policy=True,
        additional_bias=False,
        source="Kim et al., AAMAS 2026",
        note="off-policy, exact only with bootstrap=corrected, trace_scheme=inner or untruncated, "
        "and target_limit=inf (docs/theory.md)",
    )

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
        return Estimate(advantages, {"critic": targets}, coefficients)
