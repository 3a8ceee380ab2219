"""Importance ratios, kept as logarithms until the last step so that none overflows."""

from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from gpae.estimators._agents import sum_of_others

LARGEST_LOG_RATIO = 20.0
"""Bound on the logarithm of a ratio that has no bound of its own: e^20 is 4.9e8."""


class LogRatios(NamedTuple):
    """Logarithms of one step's importance ratios, as every agent sees them.

    The arrays broadcast against one another and are of one library: JAX arrays ``[..., N]``, or
    NumPy tables of state and joint action as in :mod:`gpae.exact`.

    Attributes:
        own: ``log rho^i``, of the agent's own action.
        others: ``log rho^-i``, of the other agents' actions.
        joint: ``log rho``, of the joint action; the same number for every agent.
    """

    own: Any
    others: Any
    joint: Any


def per_agent(log_ratios: Float[Array, "*B N"]) -> LogRatios:
    """Ratios of N agents, each as it sees them; the joint one has an agent axis of size 1."""
    joint = jnp.sum(log_ratios, axis=-1, keepdims=True)
    return LogRatios(log_ratios, sum_of_others(log_ratios), joint)


def bounded_exp(log_ratios: Any, log_limit: Any = LARGEST_LOG_RATIO) -> Any:
    """Ratios ``exp(log_ratios)`` of JAX or NumPy arrays, no larger than ``exp(log_limit)``."""
    library = log_ratios.__array_namespace__()
    return library.exp(library.minimum(log_limit, log_ratios))
