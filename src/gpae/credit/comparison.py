"""Comparison of estimators with the truth on the same states, as numbers by name."""

import numpy as np
from jaxtyping import Bool, Float

from gpae.credit.samples import EstimatorSamples
from gpae.credit.statistics import (
    bias_and_variance,
    calibration,
    rank_correlation,
    scaled_error,
    share_between_agents,
    sign_agreement,
)
from gpae.credit.truth import TrueCredit
from gpae.networks import CriticSpec

Row = dict[str, float]
"""Statistics by name."""


def compare_estimators(
    samples: EstimatorSamples, truth: TrueCredit, chosen: Bool[np.ndarray, " S"]
) -> dict[str, Row]:
    """Statistics of each estimator, and of the truth itself, over acting agents of some states.

    Args:
        samples: The estimators' advantages.
        truth: The true ones.
        chosen: The states that count.

    Returns:
        By estimator: rank correlation, sign agreement and scaled error of single samples (means
        over repetitions) and of their means, squared bias, variance and the share between agents;
        bias and variance over the variance of the true advantages. By ``truth``: that variance, the
        mean squared standard error in it, and its share between agents.
    """
    acting = truth.acting & chosen[:, None]
    right, error = truth.advantages.mean[acting], truth.advantages.standard_error[acting]
    rows = {
        name: _row(np.asarray(each, np.float64), acting, right, error)
        for name, each in samples.advantages.items()
    }
    rows["truth"] = {
        "pairs": float(acting.sum()),
        "variance": float(right.var()),
        "noise": float((error**2).mean()),
        "share_between_agents": share_between_agents(truth.advantages.mean, acting),
    }
    return rows


def _row(
    advantages: Float[np.ndarray, "S R N"],
    acting: Bool[np.ndarray, "S N"],
    right: Float[np.ndarray, " n"],
    error: Float[np.ndarray, " n"],
) -> Row:
    each = np.moveaxis(advantages, 1, -1)[acting]
    measures = {
        "rank_correlation": rank_correlation,
        "sign_agreement": sign_agreement,
        "scaled_error": scaled_error,
    }
    single = {
        name: float(np.mean([measure(sample, right) for sample in each.T]))
        for name, measure in measures.items()
    }
    of_means = {
        f"{name}_of_mean": measure(each.mean(-1), right) for name, measure in measures.items()
    }
    bias, variance = bias_and_variance(each, right, error)
    scale = float(right.var())
    shares = [share_between_agents(sample, acting) for sample in advantages.swapaxes(0, 1)]
    return {
        **single,
        **of_means,
        "squared_bias": bias / scale,
        "variance": variance / scale,
        "share_between_agents": float(np.mean(shares)),
    }


def calibrate_critic(spec: CriticSpec, samples: EstimatorSamples, truth: TrueCredit) -> Row:
    """Regression of what a critic's values mean on those values.

    That is Q(s, a) where they depend on the own action, EQ^i where on the others' alone, else V(s).

    Args:
        spec: The critic's inputs and outputs.
        samples: The critic's values.
        truth: The true ones.
    """
    values = np.asarray(samples.values, np.float64)
    if spec.depends_on_own_action:
        right = truth.joint_action_values.mean[:, None]
    elif spec.others_actions:
        right = truth.expected_values.mean
    else:
        right = truth.state_values.mean[:, None]
    return calibration(values, np.broadcast_to(right, values.shape))
