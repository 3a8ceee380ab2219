"""Tables of this library's own two estimators: variances, and errors by trace scheme."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from gpae.estimators import TRACE_SCHEMES
from gpae.exact.arrays import Policy, Table
from gpae.exact.control_variates import (
    Critics,
    action_value_operator,
    agent_values_of,
    decomposed_operator,
    expected_advantages,
    form_gradient_variance,
    form_variance,
    state_value_operator,
)
from gpae.exact.games import RewardStructure, TeamGame
from gpae.exact.off_policy import traces
from gpae.exact.operators import contraction_modulus, fixed_point, spectral_radius
from gpae.exact.tables import Settings, distance, draw_games, finite
from gpae.exact.values import action_values, state_values
from gpae.exact.variance import gradient_variance

ESTIMATORS = (
    "gae",
    "gpae",
    "v_bootstrapped",
    "q_corrected",
    "q_corrected, decomposed",
    "q_corrected, pairs",
    "exact Q - EQ",
)
"""Estimators of the variance table.

``decomposed`` has the critic ``V + sum_j u_j`` that its targets lead to, ``pairs`` the same with a
term for each pair of agents.
"""


@dataclass(frozen=True)
class FormVarianceRow:
    """One estimator for a team of one size, over ``num_games`` random games, on-policy.

    Attributes:
        rewards: ``joint`` or ``additive``, see :func:`gpae.exact.games.random_game`.
        num_agents: N.
        estimator: one of :data:`ESTIMATORS`, all but the last with ``settings.lambda_``.
        variance: of agent 0's per-sample policy gradient, mean over games. The critics are exact;
            the decomposed one is the fixed point of its targets.
        ratio: GAE's variance over this one.
    """

    rewards: str
    num_agents: int
    estimator: str
    variance: float
    ratio: float


@dataclass(frozen=True)
class VBootstrappedRow:
    """One trace scheme of ``v_bootstrapped``, over all agents of ``num_games`` random games.

    Errors are the largest over (s, a), averaged over games and agents; rates are the worst.

    Attributes:
        scheme: trace scheme, or ``on-policy`` for behaviour = target with c = lambda.
        policy_shift: distance of the behaviour from the target policy.
        advantage_error: of E_mu[A^i | s, a] at the true V and EQ^i from Q^pi - EQ^i.
        advantage_variance: of one sampled A^i given (s, a) at the true values; None if infinite.
        value_error: of V, the fixed point of its targets weighted by rho.
        agent_value_error: of EQ^i with that V, its targets weighted by rho^i.
        limited_value_error: of V, its targets weighted by min(1, rho).
        limited_agent_value_error: of EQ^i with that V, its targets weighted by min(1, rho^i).
        modulus: contraction modulus of V's operator with weights rho, in the maximum norm.
        radius: spectral radius of the same.
    """

    scheme: str
    policy_shift: float
    advantage_error: float
    advantage_variance: float | None
    value_error: float
    agent_value_error: float
    limited_value_error: float
    limited_agent_value_error: float
    modulus: float
    radius: float


@dataclass(frozen=True)
class QCorrectedRow:
    """One trace scheme of ``q_corrected``, over all agents of ``num_games`` random games.

    Errors are the largest over (s, a), averaged over games and agents; rates are the worst. The
    decomposed critic ``V + sum_j u_j`` is regressed under mu, with weights 1, min(1, rho) or rho.

    Attributes:
        scheme: trace scheme, or ``on-policy`` for behaviour = target with c = lambda.
        policy_shift: distance of the behaviour from the target policy.
        advantage_error: of E_mu[A^i | s, a] at the true Q from Q^pi - EQ^i.
        advantage_variance: of one sampled A^i given (s, a) at the true Q; None if infinite.
        value_error: of Q, the fixed point of its targets without weights, as a table.
        decomposed_value_error: of the decomposed critic's V, weights 1.
        limited_decomposed_value_error: the same with weights min(1, rho).
        weighted_decomposed_value_error: the same with weights rho.
        credit_error: of E_mu[A^i | s, a] at the decomposed critic, weights 1, from Q^pi - EQ^i, its
            mean under pi^i taken out: what is left would bias the policy gradient.
        limited_credit_error: the same with weights min(1, rho).
        weighted_credit_error: the same with weights rho.
        modulus: contraction modulus of Q's operator as a table, in the maximum norm.
        radius: spectral radius of the same.
        decomposed_radius: spectral radius of the decomposed critic's operator, weights 1.
    """

    scheme: str
    policy_shift: float
    advantage_error: float
    advantage_variance: float | None
    value_error: float
    decomposed_value_error: float
    limited_decomposed_value_error: float
    weighted_decomposed_value_error: float
    credit_error: float
    limited_credit_error: float
    weighted_credit_error: float
    modulus: float
    radius: float
    decomposed_radius: float


def form_variance_table(
    settings: Settings,
    team_sizes: Sequence[int] = (2, 4, 6),
    structures: Sequence[RewardStructure] = ("joint", "additive"),
) -> list[FormVarianceRow]:
    """Gradient variance of each estimator, by reward structure and team size, on-policy.

    Args:
        settings: games and parameters.
        team_sizes: values of N.
        structures: kinds of random rewards.
    """
    return [
        row
        for rewards in structures
        for num_agents in team_sizes
        for row in _variance_rows(settings, rewards, num_agents)
    ]


def v_bootstrapped_table(settings: Settings) -> list[VBootstrappedRow]:
    """Errors and rates of ``v_bootstrapped``, on-policy and by trace scheme.

    Args:
        settings: games and parameters.
    """
    measured = _measure(settings, _measure_v_bootstrapped)
    return [
        VBootstrappedRow(scheme, shift, *finite(errors), *rates.tolist())
        for scheme, shift, errors, rates in _rows(settings, measured, rates=2)
    ]


def q_corrected_table(settings: Settings) -> list[QCorrectedRow]:
    """Errors and rates of ``q_corrected``, on-policy and by trace scheme.

    Args:
        settings: games and parameters.
    """
    measured = _measure(settings, _measure_q_corrected)
    return [
        QCorrectedRow(scheme, shift, *finite(errors), *rates.tolist())
        for scheme, shift, errors, rates in _rows(settings, measured, rates=3)
    ]


def decomposed_critic(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    traces: Table,
    limit: float | None = None,
    order: int = 1,
) -> Table:
    """Fixed point Q of a decomposed critic's targets, see :func:`decomposed_operator`.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        traces: lambda c(s, a).
        limit: None for targets without weights; a number for min(limit, rho).
        order: most agents of a term.
    """
    parts = game, target, behaviour, traces
    operator, features = decomposed_operator(*parts, target_limit=limit, order=order)
    return (features @ fixed_point(operator)).reshape(game.rewards.shape)


def _variance_rows(
    settings: Settings, rewards: RewardStructure, num_agents: int
) -> list[FormVarianceRow]:
    games = draw_games(settings, settings.num_games, num_agents, rewards)
    variances = np.mean(
        [_gradient_variances(game, target, settings.lambda_) for game, target, _ in games], axis=0
    )
    return [
        FormVarianceRow(rewards, num_agents, name, float(each), float(variances[0] / each))
        for name, each in zip(ESTIMATORS, variances, strict=True)
    ]


def _gradient_variances(game: TeamGame, policy: Policy, lambda_: float) -> list[float]:
    """Variances of agent 0's policy gradient in the order of ``ESTIMATORS``."""
    exact = Critics.of(action_values(game, policy), policy, 0)
    decay = np.full(game.rewards.shape, lambda_)
    learned = [
        Critics.of(decomposed_critic(game, policy, policy, decay, order=order), policy, 0)
        for order in (1, 2)
    ]
    return [
        gradient_variance(game, policy, 0, "state", lambda_=lambda_),
        gradient_variance(game, policy, 0, "agent", lambda_=lambda_),
        form_gradient_variance(game, policy, 0, "v_bootstrapped", exact, lambda_=lambda_),
        form_gradient_variance(game, policy, 0, "q_corrected", exact, lambda_=lambda_),
        *(
            form_gradient_variance(game, policy, 0, "q_corrected", each, lambda_=lambda_)
            for each in learned
        ),
        gradient_variance(game, policy, 0, "agent"),
    ]


def _cases() -> list[str | None]:
    """Rows of the tables; no scheme stands for on-policy data."""
    return [None, *TRACE_SCHEMES]


def _measure(settings: Settings, measure_agent: Callable[..., tuple[float, ...]]) -> np.ndarray:
    """Numbers of every row for each game and agent, ``[games, agents, rows, numbers]``."""
    games = draw_games(settings, settings.num_games, settings.num_agents)
    return np.array(
        [
            [
                [measure_agent(settings, *case, agent, scheme) for scheme in _cases()]
                for agent in range(settings.num_agents)
            ]
            for case in games
        ]
    )


def _rows(
    settings: Settings, measured: np.ndarray, rates: int
) -> Iterator[tuple[str, float, np.ndarray, np.ndarray]]:
    """Name, policy shift, mean errors and largest rates of each row."""
    errors = measured[..., :-rates].mean(axis=(0, 1))
    worst = measured[..., -rates:].max(axis=(0, 1))
    for scheme, row_errors, row_rates in zip(_cases(), errors, worst, strict=True):
        shift = settings.policy_shift if scheme else 0.0
        yield scheme or "on-policy", shift, row_errors, row_rates


def _traces(
    settings: Settings, target: Policy, data: Policy, agent: int, scheme: str | None
) -> Table:
    name = scheme or "none"
    return traces(name, target, data, agent, lambda_=settings.lambda_, eta=settings.eta)


def _measure_v_bootstrapped(
    settings: Settings,
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    agent: int,
    scheme: str | None,
) -> tuple[float, ...]:
    data = behaviour if scheme else target
    table = _traces(settings, target, data, agent, scheme)
    actions = action_values(game, target)
    true = Critics.of(actions, target, agent)
    found = expected_advantages(game, data, "v_bootstrapped", true, table)
    parts, errors = (game, target, data, table), []
    for limit in (np.inf, 1.0):
        values = fixed_point(state_value_operator(*parts, target_limit=limit))
        agents = agent_values_of(game, target, data, agent, values, table, target_limit=limit)
        errors += [distance(values, true.state), distance(agents, true.agent)]
    operator = state_value_operator(*parts)
    return (
        distance(found, actions - true.agent),
        form_variance(game, data, "v_bootstrapped", true, table),
        *errors,
        contraction_modulus(operator),
        spectral_radius(operator),
    )


def _measure_q_corrected(
    settings: Settings,
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    agent: int,
    scheme: str | None,
) -> tuple[float, ...]:
    data = behaviour if scheme else target
    table = _traces(settings, target, data, agent, scheme)
    actions = action_values(game, target)
    true = Critics.of(actions, target, agent)
    found = expected_advantages(game, data, "q_corrected", true, table)
    operator = action_value_operator(game, target, data, table)
    learned = [
        Critics.of(decomposed_critic(game, target, data, table, limit), target, agent)
        for limit in (None, 1.0, np.inf)
    ]
    decomposed, _ = decomposed_operator(game, target, data, table)
    return (
        distance(found, actions - true.agent),
        form_variance(game, data, "q_corrected", true, table),
        distance(fixed_point(operator), actions),
        *(distance(critics.state, state_values(game, target)) for critics in learned),
        *(_credit_error(game, target, data, agent, critics, table) for critics in learned),
        contraction_modulus(operator),
        spectral_radius(operator),
        spectral_radius(decomposed),
    )


def _credit_error(
    game: TeamGame, target: Policy, data: Policy, agent: int, critics: Critics, table: Table
) -> float:
    """Error of the expected advantage, its mean under pi^i taken out."""
    found = expected_advantages(game, data, "q_corrected", critics, table)
    credit = found - Critics.of(found, target, agent).agent
    true = Critics.of(action_values(game, target), target, agent)
    return distance(credit, true.action - true.agent)
