"""Regression targets for the per-agent critic."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Float

from gpae.estimators._validation import Shape, floats


def value_targets(
    values: Float[ArrayLike, "T *B N"],
    advantages: Float[ArrayLike, "T *B N"],
    log_ratios: Float[ArrayLike, "T *B N"],
) -> Float[Array, "T *B N"]:
    """Targets of the per-agent values (Eq. 11): ``EQ^i + min(1, rho^i) * A^i``.

    With one agent, and advantages from :func:`gpae.estimators.gpae` with individual truncation,
    these are the V-trace targets with both thresholds at 1 (Espeholt et al., 2018).

    Args:
        values: ``EQ^i`` of the critic as it stood when the advantages were computed.
        advantages: GPAE advantages of each agent.
        log_ratios: ``log rho^i`` of each agent's action, target over behaviour policy.

    Returns:
        Targets of the critic loss (Eq. 10), without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape; the message names it.
    """
    values = floats("values", values, Shape("T *B N"))
    agents = Shape("T *B N", values.shape, "values")
    advantages = floats("advantages", advantages, agents)
    log_ratios = floats("log_ratios", log_ratios, agents)
    weights = jnp.exp(jnp.minimum(0.0, log_ratios))
    return lax.stop_gradient(values + weights * advantages)
