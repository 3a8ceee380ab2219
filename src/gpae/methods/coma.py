"""COMA: the counterfactual advantage of an agent's action over its other actions (Eq. 2)."""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Array, Float

from gpae.environments.environment import ActionSpace
from gpae.estimators import TRACE_SCHEMES, coma, gpae
from gpae.fields import choice, whole
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.policy_gradient import CorrectableBootstrap
from gpae.networks import CriticSpec


@register_method
@dataclass
class Coma(CorrectableBootstrap):
    """The counterfactual advantage of a critic Q(s, a), learned on TD(lambda) targets.

    With a replay window the targets' traces and, with ``bootstrap=corrected``, the weight of their
    bootstrap are of the joint ratio, as Q(s, a) is of the joint action.

    Attributes:
        own_action_samples: Samples of an agent's own action that its expectation is taken over,
            where actions are continuous; discrete ones are all summed over.
    """

    name: str = "coma"
    trace_scheme: str = choice("joint", TRACE_SCHEMES)
    own_action_samples: int = whole(16, 1)

    table1: ClassVar[Table1Row] = Table1Row(
        credit="1-step",
        off_policy=False,
        additional_bias=False,
        source="Foerster et al., AAAI 2018",
        note="lambda is in the critic's targets; the advantage is only as right as the critic",
    )

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """Action values of the state, the own observation and the others' actions."""
        return CriticSpec.of_joint_action(actions, own_observation=True)

    def estimate(self, evidence: Evidence) -> Estimate:
        """One-step counterfactual advantages, and TD(lambda) targets of the action taken."""
        own = evidence.networks["critic"].own_actions(self.own_action_samples)
        values = evidence.values
        coefficients = self.coefficients(evidence.log_ratios)
        errors = gpae(
            evidence.rewards,
            values,
            evidence.next_values,
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
            bootstrap_weights=self.bootstrap_weights(evidence, actions="joint"),
        )
        advantages = coma(own.values, own.probabilities, own.taken)
        return Estimate(advantages, {"critic": values + errors}, coefficients)

    def baselines(self, evidence: Evidence) -> Float[Array, "T E N"]:
        """The mean of Q over agent i's own actions."""
        return evidence.networks["critic"].own_actions(self.own_action_samples).expectation()
