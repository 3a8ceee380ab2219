"""Statistics of estimates beside the truth, over pairs of a state and an agent."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats

Values = Float[np.ndarray, " *n"]


def rank_correlation(estimates: Values, truth: Values) -> float:
    """Spearman's rank correlation, ties sharing their mean rank; NaN where one side is constant.

    Args:
        estimates: Any numbers.
        truth: As many.
    """
    ranks = [stats.rankdata(np.ravel(each)) for each in (estimates, truth)]
    deviations = [each - each.mean() for each in ranks]
    norms = [np.sqrt((each**2).sum()) for each in deviations]
    if min(norms) == 0:
        return float("nan")
    return float((deviations[0] * deviations[1]).sum() / (norms[0] * norms[1]))


def sign_agreement(estimates: Values, truth: Values) -> float:
    """Share of the pairs whose true sign is not 0 in which the estimate's is the same.

    Args:
        estimates: Any numbers; 0 agrees with nothing.
        truth: As many.
    """
    signed = truth != 0
    return _mean((np.sign(estimates) == np.sign(truth))[signed])


def scaled_error(estimates: Values, truth: Values) -> float:
    """Mean squared error after the best scaling, over the truth's mean square: 0 to 1.

    The scale is free, as advantages are normalised before they are learnt from; the origin is not.

    Args:
        estimates: Any numbers.
        truth: As many, not all of them 0.
    """
    energy = float((estimates**2).sum())
    scale = float((estimates * truth).sum()) / energy if energy else 0.0
    return float(((truth - scale * estimates) ** 2).sum() / (truth**2).sum())


def bias_and_variance(
    samples: Float[np.ndarray, "n R"], truth: Values, standard_errors: Values
) -> tuple[float, float]:
    """Mean squared bias and mean variance of an estimator, from R samples of each pair.

    The squared differences of the samples' means from the truth are larger than the squared bias by
    the variances of both means: these are taken off, so that small biases may come out below 0.

    Args:
        samples: Independent samples, R of them at least 2.
        truth: The true values.
        standard_errors: Those of the true values, as they are measured too.
    """
    variance = samples.var(axis=-1, ddof=1)
    squared = (samples.mean(axis=-1) - truth) ** 2
    bias = squared - variance / samples.shape[-1] - standard_errors**2
    return float(bias.mean()), float(variance.mean())


def share_between_agents(
    advantages: Float[np.ndarray, "*b N"], acting: Bool[np.ndarray, "*b N"]
) -> float:
    """Share of the mean square of advantages that is between a state's acting agents.

    0 where all agents of a team are given the same, 1 where an advantage of the team as a whole
    has no part.

    Args:
        advantages: The agents' advantages.
        acting: The agents that count.
    """
    count = np.maximum(acting.sum(-1, keepdims=True), 1)
    shown = np.where(acting, advantages, 0.0)
    differences = np.where(acting, shown - shown.sum(-1, keepdims=True) / count, 0.0)
    total = (shown**2).sum()
    return float((differences**2).sum() / total) if total else float("nan")


def calibration(values: Values, truth: Values) -> dict[str, float]:
    """Regression of the truth on a critic's values: slope, intercept and R^2.

    A calibrated critic has slope 1 and intercept 0. R^2 is the share of the truth's variance that
    the line explains; noise of the truth lowers it.

    Args:
        values: The critic's values.
        truth: The true ones.
    """
    x, y = np.ravel(values), np.ravel(truth)
    deviation_x, deviation_y = x - x.mean(), y - y.mean()
    spread = float((deviation_x**2).sum())
    slope = float((deviation_x * deviation_y).sum()) / spread if spread else float("nan")
    rest = ((deviation_y - slope * deviation_x) ** 2).sum()
    total = (deviation_y**2).sum()
    return {
        "slope": slope,
        "intercept": float(y.mean() - slope * x.mean()),
        "r_squared": float(1.0 - rest / total) if total else float("nan"),
    }


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if values.size else float("nan")
