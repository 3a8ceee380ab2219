"""Comparison of estimators with the truth on the same states, as numbers by name."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float

from gpae.credit.gradients import GradientMoments
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

Row = dict[str, float]
"""Statistics by name."""


def compare_estimators(
    advantages: Mapping[str, Float[np.ndarray, "S R N"]],
    truth: TrueCredit,
    chosen: Bool[np.ndarray, " S"],
) -> dict[str, Row]:
    """Statistics of each estimator, and of the truth itself, over acting agents of some states.

    Args:
        advantages: Each estimator's, by its name.
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
        for name, each in advantages.items()
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


def calibrate(samples: EstimatorSamples, truth: TrueCredit) -> Row:
    """Regression of the true EQ^i on the baselines that stand for it, over acting agents.

    Args:
        samples: Samples with the given joint actions, the baselines among them.
        truth: The true values.
    """
    baselines = np.asarray(samples.baselines, np.float64).mean(1)
    acting = truth.acting
    return calibration(baselines[acting], truth.expected_values.mean[acting])


def compare_gradients(gradients: Mapping[str, GradientMoments], reference: str) -> dict[str, Row]:
    """Variance and signal of the policy gradient by each estimator, means over states.

    Args:
        gradients: The moments by the estimator's name.
        reference: The estimator that ratios are over; without it there are none.

    Returns:
        By estimator: ``gradient_variance``, ``gradient_signal`` (the squared norm of the mean), and
        with the reference ``gradient_variance_ratio`` and ``gradient_signal_ratio``.
    """
    rows = {
        name: {
            "gradient_variance": float(moments.variance.mean()),
            "gradient_signal": float(moments.signal.mean()),
        }
        for name, moments in gradients.items()
    }
    if reference not in rows:
        return rows
    against = rows[reference]
    return {
        name: row | {f"{key}_ratio": row[key] / against[key] for key in row}
        for name, row in rows.items()
    }
