"""COMA: what an agent's action was worth more than its others (Eq. 2)."""

from dataclasses import dataclass

from gpae.environments.environment import ActionSpace
from gpae.estimators import coma, gpae
from gpae.methods.method import Estimate, Evidence, Properties
from gpae.methods.off_policy import OffPolicyCorrection
from gpae.networks import CriticSpec

PROPERTIES = Properties(
    credit="1-step",
    off_policy=False,
    additional_bias=False,
    source="Foerster et al., AAAI 2018",
    note="lambda is in the critic's targets; the advantage is only as right as the critic",
)


@dataclass
class Coma(OffPolicyCorrection):
    """The counterfactual advantage of a critic Q(s, a), learned on TD(lambda) targets.

    With a replay window the targets' traces and, with ``bootstrap=corrected``, the weight of their
    bootstrap are of the joint ratio, as Q(s, a) is of the joint action.

    Attributes:
        own_action_samples: Samples of an agent's own action that its expectation is taken over,
            where actions are real numbers; numbered ones are all summed over.
    """

    name: str = "coma"
    trace_scheme: str = "joint"
    own_action_samples: int = 16

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """Action values of the state, the own observation and the others' actions."""
        return CriticSpec.of_joint_action(actions, own_observation=True)

    def estimate(self, evidence: Evidence) -> Estimate:
        """One-step counterfactual advantages, and TD(lambda) targets of the action taken."""
        own = evidence.own_actions
        assert own is not None, "COMA's critic has a value for every own action"
        coefficients = self.coefficients(evidence.log_ratios)
        errors = gpae(
            evidence.rewards,
            evidence.values,
            evidence.next_values,
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
            bootstrap_weights=self.bootstrap_weights(evidence, actions="joint"),
        )
        return Estimate(
            advantages=coma(own.values, own.probabilities, own.taken),
            targets=evidence.values + errors,
            coefficients=coefficients,
        )
