"""IPPO: every agent for itself, with a critic of its own observation."""

from dataclasses import dataclass
from typing import ClassVar

from gpae.environments.environment import ActionSpace
from gpae.estimators import TRACE_SCHEMES, gpae, value_targets
from gpae.fields import choice
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.policy_gradient import PolicyGradientMethod
from gpae.networks import CriticSpec


@register_method
@dataclass
class Ippo(PolicyGradientMethod):
    """GAE on V(o^i), parameters shared by the agents; its traces are of the own ratio alone.

    An agent that looks at nothing but itself has the others' changes as part of its environment:
    with a replay window their ratios are not corrected for unless ``trace_scheme`` asks for it.
    """

    name: str = "ippo"
    trace_scheme: str = choice("individual", TRACE_SCHEMES)

    table1: ClassVar[Table1Row] = Table1Row(
        credit="none",
        off_policy=False,
        additional_bias=False,
        source="de Witt et al., 2020",
        note="each value is of one agent's observation, so agents differ by their observations",
    )

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """A value for each agent, of its own observation alone."""
        return CriticSpec(per_agent=True, agent_id=False, state=False, own_observation=True)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages by GAE with traces, and targets weighted by the truncated own ratio."""
        coefficients = self.coefficients(evidence.log_ratios)
        advantages = gpae(
            evidence.rewards,
            evidence.values,
            evidence.next_values,
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
        )
        targets = value_targets(evidence.values, advantages, evidence.log_ratios)
        return Estimate(advantages, {"critic": targets}, coefficients)
