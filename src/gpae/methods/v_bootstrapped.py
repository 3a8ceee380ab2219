"""V-bootstrapped advantages: GAE on V(s) with the baseline EQ^i; this library's own method."""

from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp

from gpae.environments.environment import ActionSpace, EnvironmentSpec
from gpae.estimators import TRACE_SCHEMES, v_bootstrapped, value_targets
from gpae.fields import choice, positive_or_infinite
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.networks import LearnedNetwork, ValueNetwork
from gpae.methods.policy_gradient import PolicyGradientMethod
from gpae.methods.settings import UpdateSettings
from gpae.networks import CriticSpec, NetworkSettings
from gpae.networks.critic import OWN_SLOTS


@register_method
@dataclass
class VBootstrapped(PolicyGradientMethod):
    """Two critics: EQ^i, subtracted at the step itself only, and V(s), which all bootstraps are of.

    The others' actions enter no bootstrap, so there is none to correct; the later steps' traces are
    of the joint ratio.

    Attributes:
        own_slot: The content of agent i's own action slot in the input of the critic of EQ^i: its
            ``policy`` (the probabilities, or the mean), or ``zeros``.
        target_limit: Upper limit of the ratios in the value targets, rho^i of EQ^i and rho of V;
            infinite for none, which with untruncated traces is exact in expectation.
    """

    name: str = "v_bootstrapped"
    trace_scheme: str = choice("joint", TRACE_SCHEMES)
    own_slot: str = choice("policy", OWN_SLOTS)
    target_limit: float = positive_or_infinite(1.0)

    table1: ClassVar[Table1Row] = Table1Row(
        credit="n-step",
        off_policy=True,
        additional_bias=False,
        source="this library",
        note="not the paper's; off-policy, exact only with trace_scheme=untruncated and "
        "target_limit=inf (docs/theory.md)",
    )

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """A value for each agent, of the state and the others' actions."""
        return CriticSpec(per_agent=True, others_actions=True, own_slot=self.own_slot)

    def networks(
        self, spec: EnvironmentSpec, network: NetworkSettings, update: UpdateSettings
    ) -> dict[str, LearnedNetwork]:
        """The critic of EQ^i, and one of V: for each agent where each has rewards of its own."""
        state = CriticSpec(per_agent=spec.agent_rewards)
        state_critic = ValueNetwork("state_critic", state, network, update)
        return {**super().networks(spec, network, update), "state_critic": state_critic}

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages, and targets of EQ^i weighted by its own ratio and of V by the joint one."""
        state = evidence.networks["state_critic"]
        coefficients = self.coefficients(evidence.log_ratios)
        state_values = jnp.broadcast_to(state.values, coefficients.shape)
        advantages = v_bootstrapped(
            evidence.rewards,
            evidence.values,
            state_values,
            jnp.broadcast_to(state.next_values, coefficients.shape),
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
        )
        errors = advantages + evidence.values - state_values
        if state.values.shape[-1] == 1:
            errors = errors.mean(-1, keepdims=True)
        joint = jnp.broadcast_to(evidence.log_ratios.sum(-1, keepdims=True), errors.shape)
        targets = {
            "critic": value_targets(
                evidence.values, advantages, evidence.log_ratios, limit=self.target_limit
            ),
            "state_critic": value_targets(state.values, errors, joint, limit=self.target_limit),
        }
        return Estimate(advantages, targets, coefficients)
