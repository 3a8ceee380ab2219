"""MAPPO: generalised advantage estimation on a team value, the same critic for every agent."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from gpae.environments.environment import ActionSpace
from gpae.estimators import TRACE_SCHEMES, gpae, value_targets
from gpae.fields import choice
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.policy_gradient import PolicyGradientMethod
from gpae.networks import CriticSpec


@register_method
@dataclass
class Mappo(PolicyGradientMethod):
    """GAE on V(s); with a replay window, GAE with truncated ratios as V-trace has them.

    A state value averages over every agent's action, so its target needs the joint ratio, whichever
    trace scheme carries the advantages, and there is no action in its bootstrap to correct.

    Attributes:
        agent_values: Give the critic the agent id, and each agent its own value, as the JaxMARL
            baseline does; else there is one value and, on-policy, one advantage for the team.
    """

    name: str = "mappo"
    trace_scheme: str = choice("joint", TRACE_SCHEMES)
    agent_values: bool = True

    table1: ClassVar[Table1Row] = Table1Row(
        credit="none",
        off_policy=False,
        additional_bias=False,
        source="Yu et al., NeurIPS 2022 (GAE: Schulman et al., ICLR 2016)",
    )

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """The state alone, with or without an agent id."""
        return CriticSpec(per_agent=self.agent_values)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages by GAE with traces, and targets weighted by the truncated joint ratio."""
        coefficients = self.coefficients(evidence.log_ratios)
        per_agent = coefficients.shape
        advantages = gpae(
            evidence.rewards,
            jnp.broadcast_to(evidence.values, per_agent),
            jnp.broadcast_to(evidence.next_values, per_agent),
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
        )
        pooled = advantages if self.agent_values else advantages.mean(-1, keepdims=True)
        joint = jnp.broadcast_to(evidence.log_ratios.sum(-1, keepdims=True), pooled.shape)
        targets = value_targets(evidence.values, pooled, joint)
        return Estimate(advantages, {"critic": targets}, coefficients)
