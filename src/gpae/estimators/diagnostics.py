"""Diagnostics of advantages and trace coefficients: the paper's advantage gap and trace gap."""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Float, Int

from gpae.estimators._agents import select
from gpae.estimators._validation import Shape, floats, integers


def advantage_gap(
    advantages: Float[ArrayLike, "*B N"], agents: Int[ArrayLike, "*B"]
) -> Float[Array, "*B"]:
    """Gap of a misbehaving agent's advantage below the others' mean (section 3.1).

    ``mean_{j != i} A^j - A^i`` for agent i. An advantage shared by the team has gap 0.

    Args:
        advantages: Advantages of each agent, two agents or more.
        agents: The misbehaving agent i. The gap is NaN where it is outside ``[0, N)``.

    Returns:
        Gaps in the unit of the reward, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape, or there is only one agent.
    """
    advantages = floats("advantages", advantages, Shape("*B N"))
    agents = integers("agents", agents, Shape("*B", advantages.shape[:-1], "advantages"))
    count = advantages.shape[-1]
    if count < 2:
        raise ValueError(f"advantages must have two agents or more; found {count} agent")
    differences = advantages - select(advantages, agents)[..., None]
    return lax.stop_gradient(differences.sum(axis=-1) / (count - 1))


def trace_distances(
    coefficients: Float[ArrayLike, "*B N"], log_ratios: Float[ArrayLike, "*B N"]
) -> tuple[Float[Array, "*B N"], Float[Array, "*B N"]]:
    """Distances of trace coefficients from the ratios that they stand in for (section 4.3).

    With ``d`` and ``d_i`` the two results, the gap of Eq. 9 is ``mean(|d - d_i|)``. Table 4 of the
    paper prints negative gaps, as only the signed difference ``mean(d) - mean(d_i)`` can be.

    Args:
        coefficients: Trace coefficients with lambda left out, that is, with ``lambda_ = 1``.
        log_ratios: ``log rho^i`` of each agent's action, target over behaviour policy.

    Returns:
        ``|c - rho|``, from the joint ratio, and ``|c - rho^i|``, from the agent's own; infinite
        where a ratio exceeds the largest number of its type. Without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape; the message names it.
    """
    coefficients = floats("coefficients", coefficients, Shape("*B N"))
    log_ratios = floats("log_ratios", log_ratios, Shape("*B N", coefficients.shape, "coefficients"))
    joint = jnp.exp(log_ratios.sum(axis=-1, keepdims=True))
    own = jnp.exp(log_ratios)
    return (
        lax.stop_gradient(jnp.abs(coefficients - joint)),
        lax.stop_gradient(jnp.abs(coefficients - own)),
    )
