"""Exact variances: of the policy gradient, of off-policy advantages and of bootstrap weights."""

from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from gpae.exact.arrays import Policy, Table
from gpae.exact.games import TeamGame
from gpae.exact.operators import trace_weighted_sum
from gpae.exact.policies import importance_ratios, joint_factor, others_factor
from gpae.exact.values import (
    action_values,
    discounted_sum,
    expected_values,
    occupancy,
    state_values,
    successor_mean,
)

Baseline = Literal["none", "state", "agent"]

BASELINES: tuple[Baseline, ...] = get_args(Baseline)


@dataclass(frozen=True)
class Moments:
    """Moments of an advantage estimate given (s, a), each ``[S, A^1, ..., A^N]``.

    Attributes:
        mean: its mean.
        square: its mean square.
    """

    mean: Table
    square: Table


def gradient_variance(
    game: TeamGame,
    policy: Policy,
    agent: int,
    baseline: Baseline,
    *,
    lambda_: float | None = None,
) -> float:
    """Total variance of one on-policy sample of ``grad log pi^i(a^i | s) * A``.

    That is the trace of its covariance. The gradient is with respect to agent i's softmax logits,
    one for each state and action; s follows the discounted occupancy from a uniform start, a the
    team policy.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.
        agent: index i from 0.
        baseline: ``"none"``, ``"state"`` for V(s) or ``"agent"`` for EQ^i(s, a^-i).
        lambda_: None takes ``A = Q^pi(s, a) - baseline`` with the exact Q^pi, so that the baseline
            alone differs. A number takes the sampled estimate with exact values: GAE(lambda) for
            ``"state"``, GPAE(lambda) of Eq. 5 for ``"agent"``, and GAE(lambda) + V(s) for
            ``"none"``.

    Raises:
        ValueError: if the policy does not fit the game, the baseline is unknown, or ``lambda_`` is
            outside [0, 1].
    """
    if baseline not in BASELINES:
        raise ValueError(f"baseline: expected one of {BASELINES}, found {baseline!r}")
    if lambda_ is not None and not 0 <= lambda_ <= 1:
        raise ValueError(f"lambda_: expected None or a number in [0, 1], found {lambda_}")
    if lambda_ is None:
        moments = _exact_moments(game, policy, agent, baseline)
    else:
        moments = _sampled_moments(game, policy, agent, baseline, lambda_)
    return score_weighted_variance(game, policy, agent, moments)


def weight_variance(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    agent: int,
    *,
    limit: float = np.inf,
) -> float:
    """Variance of the bootstrap weight min(limit, rho^-i) under mu, states weighted equally.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.
        agent: index i from 0.
        limit: upper limit of the weight; infinity for none.

    Raises:
        ValueError: if the behaviour policy leaves an action out.
    """
    weights = np.minimum(limit, others_factor(importance_ratios(target, behaviour), agent))
    probabilities = joint_factor(behaviour) / game.num_states
    mean = (probabilities * weights).sum()
    return float((probabilities * weights**2).sum() - mean**2)


def advantage_variance(
    game: TeamGame,
    behaviour: Policy,
    values: Table,
    traces: Table,
    weights: Table,
) -> float:
    """Variance of one sampled advantage of Eq. 7 given (s, a), mean over mu and equal states.

    The sample is ``A = b + u'`` with ``b = r - EQ^i`` and ``u = gamma (w EQ^i + trace A)`` of the
    step that follows. Its second moment obeys the same recursion as its mean, with the squares of
    gamma and of the traces in their place.

    Args:
        game: the game played.
        behaviour: mu, ``[N, S, A]``.
        values: EQ^i, own axis of length one.
        traces: lambda c^i(s, a), see :func:`gpae.exact.traces`.
        weights: of the bootstrap, see :func:`gpae.exact.bootstrap_weights`.

    Returns:
        The variance in squared units of reward; infinite where the recursion diverges.

    Raises:
        ValueError: if a policy does not fit the game, or the mean diverges.
    """
    gamma, excess, bootstrap = game.discount, game.rewards - values, weights * values
    errors = excess + gamma * successor_mean(game, behaviour, bootstrap)
    mean = _sum_along(game, behaviour, traces, errors)
    following = bootstrap + traces * mean
    square_of_bootstrap = bootstrap**2 + 2 * bootstrap * traces * mean
    squares = (
        excess**2
        + 2 * gamma * excess * successor_mean(game, behaviour, following)
        + gamma**2 * successor_mean(game, behaviour, square_of_bootstrap)
    )
    try:
        second = _sum_along(replace(game, discount=gamma**2), behaviour, traces**2, squares)
    except ValueError:
        return float("inf")
    return float((joint_factor(behaviour) * (second - mean**2)).sum() / game.num_states)


def _sum_along(game: TeamGame, behaviour: Policy, traces: Table, errors: Table) -> Table:
    sums = trace_weighted_sum(game, behaviour, traces, errors.reshape(-1, 1))
    return sums.reshape(game.rewards.shape)


def _exact_moments(game: TeamGame, policy: Policy, agent: int, baseline: Baseline) -> Moments:
    advantages = action_values(game, policy)
    if baseline != "none":
        advantages = advantages - _baseline_values(game, policy, agent, baseline)
    return Moments(advantages, advantages**2)


def _sampled_moments(
    game: TeamGame,
    policy: Policy,
    agent: int,
    baseline: Baseline,
    lambda_: float,
) -> Moments:
    values = _baseline_values(game, policy, agent, baseline)
    moments = _lambda_moments(game, policy, values, lambda_)
    if baseline != "none":
        return moments
    square = moments.square + 2 * values * moments.mean + values**2
    return Moments(moments.mean + values, square)


def _baseline_values(game: TeamGame, policy: Policy, agent: int, baseline: Baseline) -> Table:
    """EQ^i(s, a^-i) for the agent baseline, V(s) otherwise."""
    if baseline == "agent":
        return expected_values(action_values(game, policy), policy, agent)
    return state_values(game, policy).reshape([-1] + [1] * game.num_agents)


def _lambda_moments(game: TeamGame, policy: Policy, values: Table, lambda_: float) -> Moments:
    """Moments of ``A = delta + gamma lambda A'`` with ``delta = r + gamma v' - v``.

    The values are exact, V or EQ^i, so that ``E[A] = Q - v`` for every lambda, with mean zero under
    the policy given v's arguments. Then ``v'`` and ``A'`` do not correlate, and
    ``E[A^2] = E[delta^2] + (gamma lambda)^2 E[A'^2]`` is a Bellman equation.
    """
    gamma, excess = game.discount, game.rewards - values
    errors_square = (
        excess**2
        + 2 * gamma * excess * successor_mean(game, policy, values)
        + gamma**2 * successor_mean(game, policy, values**2)
    )
    square = discounted_sum(game, policy, errors_square, (gamma * lambda_) ** 2)
    return Moments(action_values(game, policy) - values, square)


def score_weighted_variance(game: TeamGame, policy: Policy, agent: int, moments: Moments) -> float:
    """Trace of the covariance of ``(onehot(a^i) - pi^i(. | s)) A`` in the row of state s.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``; s follows its discounted occupancy.
        agent: index i from 0.
        moments: of the advantage A given (s, a).
    """
    probabilities = policy[agent]
    score = np.eye(game.num_actions) - probabilities[:, None, :]
    squared_norm = (score**2).sum(axis=-1)
    samples = occupancy(game, policy).reshape([-1] + [1] * game.num_agents) * joint_factor(policy)
    others = tuple(1 + j for j in range(game.num_agents) if j != agent)
    mean = np.einsum("sa,sab->sb", (samples * moments.mean).sum(others), score)
    square = ((samples * moments.square).sum(others) * squared_norm).sum()
    return float(square - (mean**2).sum())
