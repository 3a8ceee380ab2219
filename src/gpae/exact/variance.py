"""Exact variance of one agent's policy gradient, and of the weights off-policy data needs."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from gpae.exact.arrays import Policy, Table
from gpae.exact.games import TeamGame
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
class _Moments:
    """Mean and mean square of an advantage estimate given (s, a), each ``[S, A^1, ..., A^N]``."""

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
    return _score_weighted_variance(game, policy, agent, moments)


def weight_variance(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    agent: int,
    *,
    cap: float = np.inf,
) -> float:
    """Variance of the bootstrap weight min(cap, rho^-i) under mu, states weighted equally.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.
        agent: index i from 0.
        cap: truncation of the weight; infinity for none.

    Raises:
        ValueError: if the behaviour policy leaves an action out.
    """
    weights = np.minimum(cap, others_factor(importance_ratios(target, behaviour), agent))
    probabilities = joint_factor(behaviour) / game.num_states
    mean = (probabilities * weights).sum()
    return float((probabilities * weights**2).sum() - mean**2)


def _exact_moments(game: TeamGame, policy: Policy, agent: int, baseline: Baseline) -> _Moments:
    advantages = action_values(game, policy)
    if baseline != "none":
        advantages = advantages - _baseline_values(game, policy, agent, baseline)
    return _Moments(advantages, advantages**2)


def _sampled_moments(
    game: TeamGame,
    policy: Policy,
    agent: int,
    baseline: Baseline,
    lambda_: float,
) -> _Moments:
    values = _baseline_values(game, policy, agent, baseline)
    moments = _lambda_moments(game, policy, values, lambda_)
    if baseline != "none":
        return moments
    square = moments.square + 2 * values * moments.mean + values**2
    return _Moments(moments.mean + values, square)


def _baseline_values(game: TeamGame, policy: Policy, agent: int, baseline: Baseline) -> Table:
    """EQ^i(s, a^-i) for the agent baseline, V(s) otherwise."""
    if baseline == "agent":
        return expected_values(action_values(game, policy), policy, agent)
    return state_values(game, policy).reshape([-1] + [1] * game.num_agents)


def _lambda_moments(game: TeamGame, policy: Policy, values: Table, lambda_: float) -> _Moments:
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
    return _Moments(action_values(game, policy) - values, square)


def _score_weighted_variance(
    game: TeamGame, policy: Policy, agent: int, moments: _Moments
) -> float:
    """Trace of the covariance of ``(onehot(a^i) - pi^i(. | s)) A`` in the row of state s."""
    probabilities = policy[agent]
    score = np.eye(game.num_actions) - probabilities[:, None, :]
    squared_norm = (score**2).sum(axis=-1)
    samples = occupancy(game, policy).reshape([-1] + [1] * game.num_agents) * joint_factor(policy)
    others = tuple(1 + j for j in range(game.num_agents) if j != agent)
    mean = np.einsum("sa,sab->sb", (samples * moments.mean).sum(others), score)
    square = ((samples * moments.square).sum(others) * squared_norm).sum()
    return float(square - (mean**2).sum())
