"""The trace schemes of section 4.3 as exact functions of state and joint action."""

from typing import Literal, get_args

import numpy as np

from gpae.exact.arrays import Policy, Table
from gpae.exact.policies import importance_ratios, others_factor, own_factor

Scheme = Literal["none", "individual", "joint", "double", "inner", "untruncated"]
Bootstrap = Literal["paper", "corrected"]

SCHEMES: tuple[Scheme, ...] = get_args(Scheme)
BOOTSTRAPS: tuple[Bootstrap, ...] = get_args(Bootstrap)


def trace_coefficients(
    scheme: Scheme,
    target: Policy,
    behaviour: Policy,
    agent: int,
    *,
    lambda_: float = 1.0,
    eta: float = 1.05,
) -> Table:
    """Trace coefficient c^i(s, a), ``[S, A^1, ..., A^N]``.

    The schemes are those of section 4.3 and the two it truncates: ``none`` lambda; ``individual``
    lambda min(1, rho^i); ``joint`` lambda min(1, rho); ``double`` lambda min(1, rho^i min(eta,
    rho^-i)) (Eq. 8); ``inner`` lambda rho^i min(eta, rho^-i), Eq. 8 without its outer truncation;
    ``untruncated`` lambda rho. On-policy all but ``double`` and ``inner`` with eta < 1 are the
    constant lambda of Eq. 5.

    Args:
        scheme: one of ``SCHEMES``.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.
        agent: index i from 0.
        lambda_: in [0, 1].
        eta: truncation of the team mates' ratio, positive; used by ``double`` and ``inner`` alone.

    Raises:
        ValueError: if ``scheme`` is unknown, ``lambda_`` or ``eta`` is out of range, or the
            behaviour policy leaves an action out.
    """
    if not 0 <= lambda_ <= 1:
        raise ValueError(f"lambda_: expected a number in [0, 1], found {lambda_}")
    if eta <= 0:
        raise ValueError(f"eta: expected a positive number, found {eta}")
    ratios = importance_ratios(target, behaviour)
    own, others = own_factor(ratios, agent), others_factor(ratios, agent)
    match scheme:
        case "none":
            coefficients = np.ones_like(own * others)
        case "individual":
            coefficients = np.minimum(1, own) * np.ones_like(others)
        case "joint":
            coefficients = np.minimum(1, own * others)
        case "double":
            coefficients = np.minimum(1, own * np.minimum(eta, others))
        case "inner":
            coefficients = own * np.minimum(eta, others)
        case "untruncated":
            coefficients = own * others
        case _:
            raise ValueError(f"scheme: expected one of {SCHEMES}, found {scheme!r}")
    return lambda_ * coefficients


def bootstrap_weights(
    bootstrap: Bootstrap,
    target: Policy,
    behaviour: Policy,
    agent: int,
    *,
    cap: float = np.inf,
) -> Table:
    """Weight of the bootstrapped EQ^i(s, a^-i), own axis kept with length one.

    Args:
        bootstrap: ``"paper"`` gives one everywhere, Eq. 6 and 7 as printed; ``"corrected"`` gives
            min(cap, rho^-i), which moves the expectation from mu^-i to pi^-i when nothing is cut.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.
        agent: index i from 0.
        cap: truncation of the corrected weight; infinity for none.

    Raises:
        ValueError: if ``bootstrap`` is unknown or the behaviour policy leaves an action out.
    """
    others = others_factor(importance_ratios(target, behaviour), agent)
    if bootstrap == "paper":
        return np.ones_like(others)
    if bootstrap == "corrected":
        return np.minimum(cap, others)
    raise ValueError(f"bootstrap: expected one of {BOOTSTRAPS}, found {bootstrap!r}")
