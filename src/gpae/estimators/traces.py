"""Trace coefficients: how much of the next step's advantage a step takes over off-policy.

``log_ratios`` are ``log rho^i = log pi^i(a^i) - log mu^i(a^i)`` of the taken actions, target over
behaviour policy: -inf, and so trace 0, for an action that the target policy rules out. Ratios are
multiplied and truncated as logarithms, so none of them overflows.
"""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Float

from gpae.estimators._agents import sum_of_others
from gpae.estimators._validation import Shape, floats, fraction, positive


def double_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
    eta: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Double truncation, DT-ISR (Eq. 8): ``lambda_ * min(1, rho^i * min(eta, rho^-i))``.

    Args:
        log_ratios: ``log rho^i`` of each agent's action.
        lambda_: Decay of the trace, in [0, 1].
        eta: Bound on the other agents' ratio ``rho^-i``, in (0, inf]. At infinity this is
            :func:`joint_truncated_traces`; the paper finds 1 to 1.1 to work (Table 4).

    Returns:
        Coefficients in [0, lambda_], without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    lambda_, eta = fraction("lambda_", lambda_), positive("eta", eta)
    return _truncated(own + jnp.minimum(jnp.log(eta), sum_of_others(own)), lambda_)


def joint_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Single truncation of the joint ratio, ST (section 4.3): ``lambda_ * min(1, rho)``.

    Args:
        log_ratios: ``log rho^i`` of each agent's action.
        lambda_: Decay of the trace, in [0, 1].

    Returns:
        Coefficients in [0, lambda_], without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    joint = own.sum(axis=-1, keepdims=True)
    return jnp.broadcast_to(_truncated(joint, fraction("lambda_", lambda_)), own.shape)


def individual_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Individual truncation of each agent's ratio, IT (section 4.3): ``lambda_ * min(1, rho^i)``.

    Args:
        log_ratios: ``log rho^i`` of each agent's action.
        lambda_: Decay of the trace, in [0, 1].

    Returns:
        Coefficients in [0, lambda_], without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    return _truncated(own, fraction("lambda_", lambda_))


def uncorrected_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """No correction for the behaviour policy: ``lambda_`` everywhere, as on-policy (Eq. 5).

    Args:
        log_ratios: ``log rho^i`` of each agent's action; only the shape and the type are used.
        lambda_: Decay of the trace, in [0, 1].

    Returns:
        Coefficients equal to ``lambda_``, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    return lax.stop_gradient(jnp.full_like(own, fraction("lambda_", lambda_)))


def _truncated(log_ratios: Array, lambda_: float | Array) -> Array:
    return lax.stop_gradient(lambda_ * jnp.exp(jnp.minimum(0.0, log_ratios)))
