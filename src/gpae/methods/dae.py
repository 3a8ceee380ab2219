"""DAE: generalised advantages less what each agent's own action can be expected to earn (Eq. 3)."""

from dataclasses import dataclass

import jax.numpy as jnp

from gpae.environments.environment import ActionSpace
from gpae.estimators import dae, value_targets
from gpae.methods.method import Estimate, Evidence, Properties
from gpae.methods.off_policy import OffPolicyCorrection
from gpae.networks import CriticSpec

PROPERTIES = Properties(
    credit="n-step",
    off_policy=False,
    additional_bias=True,
    source="Li et al., ICML 2022",
    note="beta = 0 is GAE; the bias is that of the learned reward model and of beta",
)


@dataclass
class Dae(OffPolicyCorrection):
    """Difference rewards inside GAE, from a reward model of the state and the agents' actions.

    With a replay window the same traces carry both sums, and the critic's target is weighted by the
    truncated joint ratio as MAPPO's is; ``bootstrap`` changes nothing.

    Attributes:
        beta: How much of the expected reward is subtracted, in [0, 1].
        reward_models: Size of the ensemble whose mean is the reward model.
        own_action_samples: Samples of an agent's own action that its expectation is taken over,
            where actions are real numbers; numbered ones are all summed over.
    """

    name: str = "dae"
    trace_scheme: str = "joint"
    beta: float = 0.5
    reward_models: int = 2
    own_action_samples: int = 16

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """A state value for each agent."""
        return CriticSpec(per_agent=True)

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages (Eq. 3), and targets GAE - B + V."""
        assert evidence.expected_rewards is not None, "DAE has a reward model"
        coefficients = self.coefficients(evidence.log_ratios)
        advantages = dae(
            evidence.rewards,
            evidence.expected_rewards,
            evidence.values,
            evidence.next_values,
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
            self.beta,
        )
        joint = evidence.log_ratios.sum(-1, keepdims=True)
        targets = value_targets(
            evidence.values, advantages, jnp.broadcast_to(joint, advantages.shape)
        )
        return Estimate(advantages=advantages, targets=targets, coefficients=coefficients)
