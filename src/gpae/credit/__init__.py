"""True credit: per-agent advantages measured by simulation, and estimators beside them."""

from gpae.credit.critics import PolicyBatch, collect_batches, critic_learner, train_critics
from gpae.credit.gradients import GradientMoments, gradient_moments, score_products
from gpae.credit.samples import (
    EstimatorSamples,
    Judged,
    allowed_estimators,
    sample_estimators,
    sample_judged,
)
from gpae.credit.states import (
    CreditStates,
    Play,
    act,
    collect_forced_states,
    collect_states,
    pick_states,
    with_hidden_states_of,
)
from gpae.credit.truth import Measured, TrueCredit, true_credit

__all__ = [
    "CreditStates",
    "EstimatorSamples",
    "GradientMoments",
    "Judged",
    "Measured",
    "Play",
    "PolicyBatch",
    "TrueCredit",
    "act",
    "allowed_estimators",
    "collect_batches",
    "collect_forced_states",
    "collect_states",
    "critic_learner",
    "gradient_moments",
    "pick_states",
    "sample_estimators",
    "sample_judged",
    "score_products",
    "train_critics",
    "true_credit",
    "with_hidden_states_of",
]
