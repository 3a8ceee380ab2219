"""Estimation: a window of rollouts turned into advantages and targets."""

from gpae.training.estimation.diagnostics import batch_diagnostics
from gpae.training.estimation.estimate import Estimation, estimate, gather_evidence
from gpae.training.estimation.forward import EstimationPlan

__all__ = ["Estimation", "EstimationPlan", "batch_diagnostics", "estimate", "gather_evidence"]
