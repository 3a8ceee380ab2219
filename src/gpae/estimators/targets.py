"""Regression targets for the per-agent critic."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Float

from gpae.estimators._ratios import LARGEST_LOG_RATIO, bounded_exp
from gpae.estimators._validation import Shape, floats, positive


def value_targets(
    values: Float[ArrayLike, "T *B N"],
    advantages: Float[ArrayLike, "T *B N"],
    log_ratios: Float[ArrayLike, "T *B N"],
    *,
    limit: Float[ArrayLike, ""] = 1.0,
) -> Float[Array, "T *B N"]:
    """Targets of the per-agent values (Eq. 11): ``EQ^i + min(limit, rho^i) * A^i``.

    At the paper's limit of 1 the targets are biased whatever the traces; without a limit they are
    exact where the advantages are (``docs/theory.md``), at more variance.

    With one agent, and advantages from :func:`gpae.estimators.gpae` with individual truncation,
    these are the V-trace targets with both thresholds at 1 (Espeholt et al., 2018).

    Args:
        values: ``EQ^i`` of the critic as it stood when the advantages were computed.
        advantages: GPAE advantages of each agent.
        log_ratios: ``log rho^i`` of each agent's action, target over behaviour policy.
        limit: Upper limit of the ratio, in (0, inf]; 1 is Eq. 11. Ratios are bounded by e^20.

    Returns:
        Targets of the critic loss (Eq. 10), without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    values = floats("values", values, Shape("T *B N"))
    agents = Shape("T *B N", values.shape, "values")
    advantages = floats("advantages", advantages, agents)
    log_ratios = floats("log_ratios", log_ratios, agents)
    log_limit = jnp.minimum(jnp.log(positive("limit", limit)), LARGEST_LOG_RATIO)
    weights = bounded_exp(log_ratios, log_limit)
    return lax.stop_gradient(values + weights * advantages)
