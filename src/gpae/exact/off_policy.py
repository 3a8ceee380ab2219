"""Traces and bootstrap weights as exact functions of state and joint action."""

import numpy as np

from gpae.estimators import BOOTSTRAPS, DEFAULT_ETA, Bootstrap, LogRatios, find_trace_scheme
from gpae.exact.arrays import Policy, Ratios, Table
from gpae.exact.policies import importance_ratios, joint_factor, others_factor, own_factor


def traces(
    scheme: str,
    target: Policy,
    behaviour: Policy,
    agent: int,
    *,
    lambda_: float = 1.0,
    eta: float = DEFAULT_ETA,
) -> Table:
    """Traces lambda c^i(s, a) of a scheme, ``[S, A^1, ..., A^N]``.

    The table of what :func:`gpae.estimators.traces` gives along a trajectory, from the same
    registry. On-policy every scheme gives the constant lambda of Eq. 5, but for ``double`` and
    ``inner`` with eta < 1.

    Args:
        scheme: a name in :data:`gpae.estimators.TRACE_SCHEMES`.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.
        agent: index i from 0.
        lambda_: in [0, 1]; 1 gives the coefficients c alone.
        eta: truncation of the team mates' ratio, positive; used by ``double`` and ``inner`` alone.

    Raises:
        ValueError: if ``scheme`` is unknown, ``lambda_`` or ``eta`` is out of range, or the
            behaviour policy leaves an action out.
    """
    rule = find_trace_scheme(scheme)
    if not 0 <= lambda_ <= 1:
        raise ValueError(f"lambda_: expected a number in [0, 1], found {lambda_}")
    if eta <= 0:
        raise ValueError(f"eta: expected a positive number, found {eta}")
    ratios = importance_ratios(target, behaviour)
    coefficients = rule.coefficients(_logarithms(ratios, agent), eta)
    return lambda_ * np.broadcast_to(coefficients, joint_factor(ratios).shape)


def bootstrap_weights(
    bootstrap: Bootstrap,
    target: Policy,
    behaviour: Policy,
    agent: int,
    *,
    limit: float = np.inf,
) -> Table:
    """Weight of the bootstrapped EQ^i(s, a^-i), own axis kept with length one.

    Args:
        bootstrap: ``"paper"`` gives one everywhere, Eq. 6 and 7 as printed; ``"corrected"`` gives
            min(limit, rho^-i), which moves the expectation from mu^-i to pi^-i where nothing is
            cut.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.
        agent: index i from 0.
        limit: upper limit of the corrected weight; infinity for none.

    Raises:
        ValueError: if ``bootstrap`` is unknown or the behaviour policy leaves an action out.
    """
    others = others_factor(importance_ratios(target, behaviour), agent)
    if bootstrap == "paper":
        return np.ones_like(others)
    if bootstrap == "corrected":
        return np.minimum(limit, others)
    raise ValueError(f"bootstrap: expected one of {BOOTSTRAPS}, found {bootstrap!r}")


def _logarithms(ratios: Ratios, agent: int) -> LogRatios:
    """One agent's view of the ratios; an action that the target rules out has -inf."""
    with np.errstate(divide="ignore"):
        own, others = np.log(own_factor(ratios, agent)), np.log(others_factor(ratios, agent))
    return LogRatios(own, others, own + others)
