"""True credit: per-agent advantages measured by simulation, and estimators beside them."""

from gpae.credit.samples import EstimatorSamples, allowed_estimators, sample_estimators
from gpae.credit.states import CreditStates, collect_forced_states, collect_states
from gpae.credit.truth import Measured, TrueCredit, true_credit

__all__ = [
    "CreditStates",
    "EstimatorSamples",
    "Measured",
    "TrueCredit",
    "allowed_estimators",
    "collect_forced_states",
    "collect_states",
    "sample_estimators",
    "true_credit",
]
