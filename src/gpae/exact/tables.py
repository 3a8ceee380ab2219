"""Tables of the theory, averaged over random games: one row a scheme, baseline or limit."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpae.estimators import BOOTSTRAPS, DEFAULT_ETA, TRACE_SCHEMES, Bootstrap
from gpae.exact.arrays import Policy, Table
from gpae.exact.games import RewardStructure, TeamGame, random_game
from gpae.exact.off_policy import bootstrap_weights, traces
from gpae.exact.operators import (
    build_operator,
    contraction_modulus,
    fixed_point,
    spectral_radius,
)
from gpae.exact.policies import mixed_policy, softmax_policy
from gpae.exact.values import action_values, expected_values
from gpae.exact.variance import (
    BASELINES,
    advantage_variance,
    gradient_variance,
    weight_variance,
)


@dataclass(frozen=True)
class Settings:
    """Games and parameters of the tables.

    Attributes:
        seed: of the random games and policies.
        num_games: random games averaged over, in the operator and weight tables.
        num_variance_games: random games averaged over, in the variance table.
        num_states: S.
        num_agents: N, in the operator table; the others vary it.
        num_actions: A.
        discount: gamma.
        lambda_: of the traces, and of the sampled advantages of the variance table.
        eta: truncation of the team mates' ratio.
        policy_shift: the target's logits are standard normal; the behaviour's are the target's plus
            this many standard normals.
    """

    seed: int = 0
    num_games: int = 20
    num_variance_games: int = 50
    num_states: int = 5
    num_agents: int = 3
    num_actions: int = 2
    discount: float = 0.9
    lambda_: float = 0.95
    eta: float = DEFAULT_ETA
    policy_shift: float = 0.5


@dataclass(frozen=True)
class OperatorRow:
    """One trace scheme with one bootstrap, over all agents of ``num_games`` random games.

    Errors are the largest over (s, a), averaged over games and agents, in units of reward; rewards
    are standard normal. Modulus and radius are the largest over games and agents.

    Attributes:
        scheme: trace scheme, or ``on-policy`` for behaviour = target with c = lambda.
        bootstrap: ``paper`` or ``corrected``; on-policy they are one.
        policy_shift: distance of the behaviour from the target policy, see :class:`Settings`.
        fixed_point_error: of the fixed point EQ^i from E_{a^i ~ pi^i} Q^pi.
        mixed_policy_error: of the fixed point from E_{a^i ~ pi^i} Q of the policy (pi^i, mu^-i).
        advantage_error: of E_mu[A^i | s, a] at the fixed point from Q^pi - EQ^i.
        advantage_error_at_values: the same with the true EQ^i in place of the fixed point.
        advantage_scale: the largest true |Q^pi - EQ^i|, to judge the errors by.
        advantage_variance: of one sampled A^i given (s, a) at the true EQ^i, mean over games and
            agents; None if it is infinite in one of them.
        target_value_error: ``fixed_point_error`` with the targets of Eq. 11, which weigh A^i by
            min(1, rho^i) instead of rho^i.
        target_advantage_error: ``advantage_error`` at that fixed point.
        modulus: contraction modulus in the maximum norm.
        radius: spectral radius.
    """

    scheme: str
    bootstrap: str
    policy_shift: float
    fixed_point_error: float
    mixed_policy_error: float
    advantage_error: float
    advantage_error_at_values: float
    advantage_scale: float
    advantage_variance: float | None
    target_value_error: float
    target_advantage_error: float
    modulus: float
    radius: float


@dataclass(frozen=True)
class VarianceRow:
    """One baseline for a team of one size, over ``num_variance_games`` random games.

    Attributes:
        rewards: ``joint`` or ``additive``, see :func:`gpae.exact.games.random_game`.
        num_agents: N.
        lambda_: of the sampled advantage, or None for the exact Q^pi minus the baseline.
        baseline: ``none``, ``state`` for V(s) or ``agent`` for EQ^i(s, a^-i).
        variance: of agent 0's per-sample policy gradient, mean over games.
        ratio: that variance over the one of the ``agent`` baseline.
    """

    rewards: str
    num_agents: int
    lambda_: float | None
    baseline: str
    variance: float
    ratio: float


@dataclass(frozen=True)
class WeightRow:
    """The corrected bootstrap's weight min(limit, rho^-i) of agent 0, over random games.

    Attributes:
        num_agents: N.
        limit: upper limit of the weight, None for none.
        weight_variance: under the behaviour policy, mean over games.
        fixed_point_error: as in :class:`OperatorRow`, with the ``inner`` traces and lambda 1, where
            the limit is the only source of error.
    """

    num_agents: int
    limit: float | None
    weight_variance: float
    fixed_point_error: float


def _cases() -> list[tuple[str | None, Bootstrap]]:
    """Rows of the operator table; no scheme stands for on-policy data."""
    pairs = [(scheme, bootstrap) for bootstrap in BOOTSTRAPS for scheme in TRACE_SCHEMES]
    return [(None, "paper"), *pairs]


def operator_table(settings: Settings) -> list[OperatorRow]:
    """Rows of the on-policy operator, then of every scheme with each bootstrap.

    Args:
        settings: games and parameters.
    """
    measured = np.array(
        [
            [_measure_agent(settings, *case, agent) for agent in range(settings.num_agents)]
            for case in draw_games(settings, settings.num_games, settings.num_agents)
        ]
    )
    errors, rates = measured[..., :-2].mean(axis=(0, 1)), measured[..., -2:].max(axis=(0, 1))
    return [
        OperatorRow(
            scheme or "on-policy",
            bootstrap if scheme else "either",
            settings.policy_shift if scheme else 0.0,
            *finite(row_errors),
            *row_rates.tolist(),
        )
        for (scheme, bootstrap), row_errors, row_rates in zip(_cases(), errors, rates, strict=True)
    ]


def variance_table(
    settings: Settings,
    team_sizes: Sequence[int] = (1, 2, 3, 4, 5, 6),
    structures: Sequence[RewardStructure] = ("joint", "additive"),
) -> list[VarianceRow]:
    """Gradient variance by reward structure, estimate, team size and baseline.

    The estimates are the exact advantage, the one-step sampled advantage (lambda 0) and the sampled
    advantage with ``settings.lambda_``.

    Args:
        settings: games and parameters.
        team_sizes: values of N.
        structures: kinds of random rewards.
    """
    return [
        row
        for rewards in structures
        for lambda_ in (None, 0.0, settings.lambda_)
        for num_agents in team_sizes
        for row in _variance_rows(settings, rewards, num_agents, lambda_)
    ]


def weight_table(
    settings: Settings,
    team_sizes: Sequence[int] = (1, 2, 3, 4, 5, 6),
    limits: Sequence[float | None] = (1.0, 2.0, None),
) -> list[WeightRow]:
    """Variance and bias of the corrected bootstrap's weight, by team size and limit.

    Args:
        settings: games and parameters.
        team_sizes: values of N.
        limits: upper limits of the weight, None for none.
    """
    return [_weight_row(settings, n, limit) for n in team_sizes for limit in limits]


def draw_games(
    settings: Settings, num_games: int, num_agents: int, rewards: RewardStructure = "joint"
) -> Iterator[tuple[TeamGame, Policy, Policy]]:
    """Games, target and behaviour policies; the k-th depends on seed, N, k and rewards alone.

    Args:
        settings: games and parameters.
        num_games: number of games.
        num_agents: N.
        rewards: kind of random rewards.
    """
    shape = (num_agents, settings.num_states, settings.num_actions)
    for index in range(num_games):
        rng = np.random.default_rng([settings.seed, num_agents, index])
        logits, noise = rng.normal(size=(2, *shape))
        game = random_game(
            rng,
            num_states=settings.num_states,
            num_agents=num_agents,
            num_actions=settings.num_actions,
            discount=settings.discount,
            rewards=rewards,
        )
        behaviour = softmax_policy(logits + settings.policy_shift * noise)
        yield game, softmax_policy(logits), behaviour


def _measure_agent(
    settings: Settings, game: TeamGame, target: Policy, behaviour: Policy, agent: int
) -> list[tuple[float, ...]]:
    """Measurements of one agent's operators: for each of ``_cases()`` the numbers of its row."""
    actions = action_values(game, target)
    true = expected_values(actions, target, agent)
    mixed_actions = action_values(game, mixed_policy(target, behaviour, agent))
    mixed = expected_values(mixed_actions, target, agent)
    measured: list[tuple[float, ...]] = []
    for scheme, bootstrap in _cases():
        data, reference = (behaviour, mixed) if scheme else (target, true)
        table = traces(
            scheme or "none", target, data, agent, lambda_=settings.lambda_, eta=settings.eta
        )
        weights = bootstrap_weights(bootstrap, target, data, agent)
        parts = game, target, data, agent, table, weights
        operator, printed = build_operator(*parts), build_operator(*parts, target_limit=1.0)
        fixed, printed_fixed = fixed_point(operator), fixed_point(printed)
        measured.append(
            (
                distance(fixed, true),
                distance(fixed, reference),
                distance(operator.advantages(fixed), actions - true),
                distance(operator.advantages(true), actions - true),
                distance(actions, true),
                advantage_variance(game, data, true, table, weights),
                distance(printed_fixed, true),
                distance(printed.advantages(printed_fixed), actions - true),
                contraction_modulus(operator),
                spectral_radius(operator),
            )
        )
    return measured


def finite(numbers: np.ndarray) -> list[Any]:
    """Numbers as JSON has them: None for each that is infinite."""
    return [float(number) if np.isfinite(number) else None for number in numbers]


def distance(left: Table, right: Table) -> float:
    """Largest absolute difference of two tables."""
    return float(np.abs(left - right).max())


def _variance_rows(
    settings: Settings, rewards: RewardStructure, num_agents: int, lambda_: float | None
) -> list[VarianceRow]:
    games = draw_games(settings, settings.num_variance_games, num_agents, rewards)
    variances = np.mean(
        [
            [gradient_variance(game, target, 0, b, lambda_=lambda_) for b in BASELINES]
            for game, target, _ in games
        ],
        axis=0,
    )
    own = variances[BASELINES.index("agent")]
    return [
        VarianceRow(rewards, num_agents, lambda_, baseline, float(variance), float(variance / own))
        for baseline, variance in zip(BASELINES, variances, strict=True)
    ]


def _weight_row(settings: Settings, num_agents: int, limit: float | None) -> WeightRow:
    measured = []
    upper = np.inf if limit is None else limit
    for game, target, behaviour in draw_games(settings, settings.num_games, num_agents):
        inner = traces("inner", target, behaviour, 0, eta=settings.eta)
        weights = bootstrap_weights("corrected", target, behaviour, 0, limit=upper)
        operator = build_operator(game, target, behaviour, 0, inner, weights)
        true = expected_values(action_values(game, target), target, 0)
        measured.append(
            (
                weight_variance(game, target, behaviour, 0, limit=upper),
                distance(fixed_point(operator), true),
            )
        )
    variance, error = np.mean(measured, axis=0).tolist()
    return WeightRow(num_agents, limit, variance, error)
