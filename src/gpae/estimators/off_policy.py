"""Corrections for data of an older policy: traces and bootstrap weights.

``log_ratios`` are ``log rho^i = log pi^i(a^i) - log mu^i(a^i)`` of the taken actions, target over
behaviour policy: -inf, and so a ratio of 0, for an action that the target policy rules out. Ratios
are multiplied and truncated as logarithms, so none of them overflows.
"""

from typing import Literal

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Bool, Float

from gpae.estimators._ratios import LARGEST_LOG_RATIO, bounded_exp, per_agent
from gpae.estimators._validation import Shape, booleans, floats, fraction, positive
from gpae.estimators.trace_schemes import DEFAULT_ETA, find_trace_scheme


def traces(
    scheme: str,
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
    eta: Float[ArrayLike, ""] = DEFAULT_ETA,
) -> Float[Array, "T *B N"]:
    """Traces ``lambda_ * c`` of a scheme by name, c its coefficient.

    Args:
        scheme: A name in :data:`gpae.estimators.TRACE_SCHEMES`.
        log_ratios: ``log rho^i`` of each agent's action.
        lambda_: Decay of the traces, in [0, 1]; 1 gives the coefficients alone.
        eta: Bound on the other agents' ratio ``rho^-i``, in (0, inf]; used by ``double`` and
            ``inner`` alone. The paper finds 1 to 1.1 to work (Table 4).

    Returns:
        Traces in [0, lambda_], and in [0, e^20 lambda_] where the scheme does not truncate,
        without gradient. That bound keeps each of them finite, not their products over many steps.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: There is no such scheme, or an argument has the wrong shape or is out of range;
            the message names it.
    """
    rule = find_trace_scheme(scheme)
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    lambda_, eta = fraction("lambda_", lambda_), positive("eta", eta)
    coefficients = rule.coefficients(per_agent(own), eta)
    return lax.stop_gradient(jnp.broadcast_to(lambda_ * coefficients, own.shape))


def uncorrected_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Traces without correction for the behaviour policy: ``lambda_``, as on-policy (Eq. 5).

    Scheme ``none`` of :func:`traces`; of ``log_ratios`` only the shape and the type are used.
    """
    return traces("none", log_ratios, lambda_)


def individual_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Individual truncation, IT (section 4.3): ``lambda_ * min(1, rho^i)``.

    Scheme ``individual`` of :func:`traces`, with the same arguments and errors.
    """
    return traces("individual", log_ratios, lambda_)


def joint_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Single truncation of the joint ratio, ST (section 4.3): ``lambda_ * min(1, rho)``.

    Scheme ``joint`` of :func:`traces`, with the same arguments and errors.
    """
    return traces("joint", log_ratios, lambda_)


def double_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
    eta: Float[ArrayLike, ""] = DEFAULT_ETA,
) -> Float[Array, "T *B N"]:
    """Double truncation, DT-ISR (Eq. 8): ``lambda_ * min(1, rho^i * min(eta, rho^-i))``.

    Scheme ``double`` of :func:`traces`, with the same arguments and errors. With ``eta`` at
    infinity it is :func:`joint_truncated_traces`.
    """
    return traces("double", log_ratios, lambda_, eta)


def inner_truncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
    eta: Float[ArrayLike, ""] = DEFAULT_ETA,
) -> Float[Array, "T *B N"]:
    """Eq. 8 without its outer truncation: ``lambda_ * rho^i * min(eta, rho^-i)``.

    Scheme ``inner`` of :func:`traces`, with the same arguments and errors. With
    :func:`bootstrap_weights` of no limit the estimator is exact in expectation, for every eta
    (``docs/theory.md``). Ratios are bounded by e^20.
    """
    return traces("inner", log_ratios, lambda_, eta)


def untruncated_traces(
    log_ratios: Float[ArrayLike, "T *B N"],
    lambda_: Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Importance sampling of the joint action: ``lambda_ * rho``.

    Scheme ``untruncated`` of :func:`traces`, with the same arguments and errors. It is exact where
    :func:`inner_truncated_traces` are, at more variance. Ratios are bounded by e^20.
    """
    return traces("untruncated", log_ratios, lambda_)


def bootstrap_weights(
    log_ratios: Float[ArrayLike, "T *B N"],
    boundaries: Bool[ArrayLike, "T *B"],
    resampled: Bool[ArrayLike, "T *B"],
    *,
    actions: Literal["others", "joint"] = "others",
    limit: Float[ArrayLike, ""] = float("inf"),
) -> Float[Array, "T *B N"]:
    """Weights that correct the bootstrap for the actions in it: the ratio of the next step.

    The value of a successor is taken at the actions of the next step, which the behaviour policy
    chose. Their ratio moves its expectation to the target policy. The weight of step t is that
    ratio of step t + 1, and 1 where no action of the behaviour policy follows: at boundaries, at
    the last step, and where the successor's actions are the target policy's own.

    Args:
        log_ratios: ``log rho^i`` of each agent's action.
        boundaries: Whether step t is the last of its episode, by termination or truncation.
        resampled: Whether the successor's joint action was drawn from the target policy.
        actions: Actions that the value depends on: ``others`` for ``EQ^i(s, a^-i)``, weighted by
            ``rho^-i``; ``joint`` for ``Q(s, a)``, weighted by ``rho``.
        limit: Upper limit of the weight, in (0, inf]: less variance for some bias. Ratios are
            bounded by e^20 in any case.

    Returns:
        Weights for ``bootstrap_weights`` of :func:`gpae.estimators.gpae`, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    steps = Shape("T *B", own.shape[:-1], "log_ratios")
    kept = booleans("boundaries", boundaries, steps) | booleans("resampled", resampled, steps)
    limit = positive("limit", limit)
    if actions not in ("others", "joint"):
        raise ValueError(f"actions must be others or joint; found {actions!r}")
    ratios = getattr(per_agent(own), actions)
    weights = bounded_exp(ratios, jnp.minimum(jnp.log(limit), LARGEST_LOG_RATIO))
    weights = jnp.broadcast_to(weights, own.shape)
    following = jnp.concatenate([weights[1:], jnp.ones_like(weights[:1])])
    return lax.stop_gradient(jnp.where(kept[..., None], 1.0, following))
