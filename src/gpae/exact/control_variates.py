"""Two estimators of this library's own, computed exactly: V-bootstrapped and Q-corrected.

Neither is the paper's. Both take the same first step and differ in a control variate b::

    A^i_t = b_t - EQ^i_t + H_t
    H_t = r_t + gamma V(s_{t+1}) - b_t + gamma trace_{t+1} H_{t+1}

``v_bootstrapped`` has b = V(s), so that H is GAE; ``q_corrected`` has b = Q(s, a), so that H is the
sum of Q(lambda) and Retrace (Harutyunyan et al., 2016; Munos et al., 2016). No ratio belongs to
step t itself: its action is given, and V(s_{t+1}) has no action in it.
"""

import itertools
import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from gpae.exact.arrays import Policy, StateTable, Table
from gpae.exact.games import TeamGame
from gpae.exact.operators import Operator, trace_weighted_sum
from gpae.exact.policies import importance_ratios, joint_factor, own_factor
from gpae.exact.values import check_policy, expected_values, successor_mean
from gpae.exact.variance import Moments, score_weighted_variance

Form = Literal["v_bootstrapped", "q_corrected"]
"""Control variate of the later steps: V(s), or Q(s, a)."""

FORMS: tuple[Form, ...] = get_args(Form)


@dataclass(frozen=True)
class Critics:
    """Values that the two estimators read, right or wrong.

    Attributes:
        state: V, ``[S]``.
        action: Q, ``[S, A^1, ..., A^N]``; only ``q_corrected`` reads it.
        agent: EQ^i, own axis of length one.
    """

    state: StateTable
    action: Table
    agent: Table

    @classmethod
    def of(cls, action_values: Table, policy: Policy, agent: int) -> "Critics":
        """Q with its own means under a policy: V = E_pi Q and EQ^i = E_{pi^i} Q.

        Args:
            action_values: Q, ``[S, A^1, ..., A^N]``.
            policy: pi, ``[N, S, A]``.
            agent: index i from 0.
        """
        others = tuple(range(1, action_values.ndim))
        state = (joint_factor(policy) * action_values).sum(axis=others)
        return cls(state, action_values, expected_values(action_values, policy, agent))

    def control(self, form: Form) -> Table:
        """Control variate b(s, a) of a form.

        Raises:
            ValueError: if there is no such form.
        """
        if form not in FORMS:
            raise ValueError(f"form: expected one of {FORMS}, found {form!r}")
        return _of_states(self.state, self.action) if form == "v_bootstrapped" else self.action


def expected_advantages(
    game: TeamGame, behaviour: Policy, form: Form, critics: Critics, traces: Table
) -> Table:
    """E_mu[A^i | s, a] of a form, ``[S, A^1, ..., A^N]``.

    Args:
        game: the game played.
        behaviour: mu, ``[N, S, A]``.
        form: ``"v_bootstrapped"`` or ``"q_corrected"``.
        critics: V, Q and EQ^i.
        traces: lambda c(s, a), see :func:`gpae.exact.traces`.

    Raises:
        ValueError: if the policy does not fit the game, there is no such form, or the sum diverges.
    """
    return _moments(game, behaviour, form, critics, traces).mean


def form_variance(
    game: TeamGame, behaviour: Policy, form: Form, critics: Critics, traces: Table
) -> float:
    """Variance of one sampled advantage of a form given (s, a), mean over mu and equal states.

    Args:
        game: the game played.
        behaviour: mu, ``[N, S, A]``.
        form: ``"v_bootstrapped"`` or ``"q_corrected"``.
        critics: V, Q and EQ^i.
        traces: lambda c(s, a), see :func:`gpae.exact.traces`.

    Returns:
        The variance in squared units of reward; infinite where its recursion diverges.

    Raises:
        ValueError: as :func:`expected_advantages`.
    """
    moments = _moments(game, behaviour, form, critics, traces)
    excess = moments.square - moments.mean**2
    return float((joint_factor(behaviour) * excess).sum() / game.num_states)


def form_gradient_variance(
    game: TeamGame, policy: Policy, agent: int, form: Form, critics: Critics, *, lambda_: float
) -> float:
    """Total variance of one on-policy sample of ``grad log pi^i(a^i | s) * A`` for a form.

    The counterpart of :func:`gpae.exact.gradient_variance`, with the same gradient and states.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.
        agent: index i from 0.
        form: ``"v_bootstrapped"`` or ``"q_corrected"``.
        critics: V, Q and EQ^i.
        lambda_: in [0, 1].

    Raises:
        ValueError: if the policy does not fit the game, or there is no such form.
    """
    moments = _moments(game, policy, form, critics, np.full(game.rewards.shape, lambda_))
    return score_weighted_variance(game, policy, agent, moments)


def state_value_operator(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    traces: Table,
    *,
    target_limit: float = np.inf,
) -> Operator:
    """Operator of V's targets in ``v_bootstrapped``: ``V + E_mu[min(limit, rho) H | s]``.

    Its ``advantages`` are E_mu[H | s, a], those of GAE with traces.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        traces: lambda c(s, a), see :func:`gpae.exact.traces`.
        target_limit: upper limit of the joint ratio that weighs H.

    Raises:
        ValueError: if a policy does not fit the game, or the sum over time diverges.
    """
    spread = np.repeat(np.eye(game.num_states), game.rewards[0].size, axis=0)
    bootstrap = game.discount * _successors(game)
    weights = joint_factor(behaviour) * _target_weights(target, behaviour, target_limit)
    return _affine(
        game, behaviour, traces, spread, bootstrap, spread.T * weights.ravel(), (game.num_states,)
    )


def action_value_operator(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    traces: Table,
    *,
    target_limit: float | None = None,
) -> Operator:
    """Operator of Q's targets in ``q_corrected``: ``Q + w E_mu[H | s, a]`` with V = E_pi Q.

    Its ``advantages`` are E_mu[H | s, a]. With weight w = 1 it is that of Q(lambda) and Retrace.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        traces: lambda c(s, a), see :func:`gpae.exact.traces`.
        target_limit: None for w = 1; a number for w = min(limit, rho).

    Raises:
        ValueError: if a policy does not fit the game, or the sum over time diverges.
    """
    size, shape = game.rewards.size, game.rewards.shape
    bootstrap = game.discount * _successors(game) @ _state_means(game, target)
    weights = _target_weights(target, behaviour, target_limit)
    averaging = np.diag(np.broadcast_to(weights, shape).ravel())
    return _affine(game, behaviour, traces, np.eye(size), bootstrap, averaging, shape)


def decomposed_operator(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    traces: Table,
    *,
    target_limit: float | None = None,
    order: int = 1,
) -> tuple[Operator, Float[np.ndarray, "J K"]]:
    """Operator on the coefficients of a decomposed critic ``Q = V(s) + sum_j u_j(s, a^j)``.

    The targets of :func:`action_value_operator`, weights w included, are regressed on the critic
    under mu by least squares; every u_j is centred under pi^j, so that V is Q's own mean.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        traces: lambda c(s, a), see :func:`gpae.exact.traces`.
        target_limit: None for w = 1; a number for w = min(limit, rho).
        order: most agents of a term: 1 for the sum over u_j, 2 with terms of pairs
            ``w_jk(s, a^j, a^k)`` too, each centred under both policies, and so on.

    Returns:
        The operator, of which only ``linear`` and ``offset`` speak of coefficients, and the
        features: Q is their product with the coefficients, in C order of (s, a).

    Raises:
        ValueError: if a policy does not fit the game, or the sum over time diverges.
    """
    features = _decomposed_features(game, target, order)
    full = action_value_operator(game, target, behaviour, traces)
    weights = joint_factor(behaviour) * _target_weights(target, behaviour, target_limit)
    weighted = features.T * np.broadcast_to(weights, game.rewards.shape).ravel()
    averaging = np.linalg.solve(weighted @ features, weighted)
    coefficients = features.shape[1]
    return (
        Operator(
            linear=np.eye(coefficients) + averaging @ full.advantage_linear @ features,
            offset=averaging @ full.advantage_offset,
            advantage_linear=full.advantage_linear @ features,
            advantage_offset=full.advantage_offset,
            value_shape=(coefficients,),
            table_shape=game.rewards.shape,
        ),
        features,
    )


def agent_values_of(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    agent: int,
    state_values: StateTable,
    traces: Table,
    *,
    target_limit: float = np.inf,
) -> Table:
    """Fixed point of EQ^i's targets in ``v_bootstrapped``: ``EQ^i + min(limit, rho^i) A^i``.

    No value of the right-hand side is EQ^i's own, so that it is the mean of
    ``r + gamma V' + gamma trace' H'`` under agent i's weights, own axis kept with length one.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        agent: index i from 0.
        state_values: V, ``[S]``.
        traces: lambda c(s, a), see :func:`gpae.exact.traces`.
        target_limit: upper limit of the own ratio that weighs A^i.

    Raises:
        ValueError: as :func:`expected_advantages`.
    """
    nothing = np.zeros_like(game.rewards)
    critics = Critics(state_values, nothing, nothing)
    estimates = expected_advantages(game, behaviour, "v_bootstrapped", critics, traces)
    weights = own_factor(np.minimum(target, target_limit * behaviour), agent)
    totals = weights.sum(axis=1 + agent, keepdims=True)
    return (weights * estimates).sum(axis=1 + agent, keepdims=True) / totals


def _affine(
    game: TeamGame,
    behaviour: Policy,
    traces: Table,
    spread: Float[np.ndarray, "J K"],
    bootstrap: Float[np.ndarray, "J K"],
    averaging: Float[np.ndarray, "K J"],
    value_shape: tuple[int, ...],
) -> Operator:
    """``x + averaging E_mu[H]`` with TD errors ``r + bootstrap x - spread x``."""
    columns = np.column_stack([bootstrap - spread, game.rewards.ravel()])
    sums = trace_weighted_sum(game, behaviour, traces, columns)
    averaged = averaging @ sums
    return Operator(
        linear=np.eye(spread.shape[1]) + averaged[:, :-1],
        offset=averaged[:, -1],
        advantage_linear=sums[:, :-1],
        advantage_offset=sums[:, -1],
        value_shape=value_shape,
        table_shape=game.rewards.shape,
    )


def _moments(
    game: TeamGame, behaviour: Policy, form: Form, critics: Critics, traces: Table
) -> Moments:
    """Mean and mean square of A^i given (s, a).

    A^i and H differ in their first term alone, ``r - EQ^i`` and ``r - b``. The mean square of H
    obeys the recursion of its mean, with the squares of gamma and of the traces in their place.
    """
    check_policy(game, behaviour, "behaviour")
    control, gamma = critics.control(form), game.discount
    bootstrap = _of_states(critics.state, game.rewards)
    errors = game.rewards - control + gamma * successor_mean(game, behaviour, bootstrap)
    mean = _sum_along(game, behaviour, traces, errors)
    later = _of_states(_state_means(game, behaviour) @ (traces * mean).ravel(), game.rewards)

    def square(first: Table) -> Table:
        following = successor_mean(game, behaviour, bootstrap + later)
        squares = successor_mean(game, behaviour, bootstrap**2 + 2 * bootstrap * later)
        return first**2 + 2 * gamma * first * following + gamma**2 * squares

    own_square = square(game.rewards - control)
    faster = replace(game, discount=gamma**2)
    try:
        sums = _sum_along(faster, behaviour, traces**2, own_square)
    except ValueError:
        sums = np.full_like(game.rewards, np.inf)
    first_square = square(game.rewards - critics.agent)
    return Moments(mean + control - critics.agent, sums - own_square + first_square)


def _sum_along(game: TeamGame, behaviour: Policy, traces: Table, errors: Table) -> Table:
    sums = trace_weighted_sum(game, behaviour, traces, errors.reshape(-1, 1))
    return sums.reshape(game.rewards.shape)


def _of_states(values: StateTable, like: Table) -> Table:
    """Function of the state as a table, the agents' axes of length one."""
    return values.reshape([-1] + [1] * (like.ndim - 1))


def _successors(game: TeamGame) -> Float[np.ndarray, "J S"]:
    return game.transitions.reshape(-1, game.num_states)


def _state_means(game: TeamGame, policy: Policy) -> Float[np.ndarray, "S J"]:
    """Matrix of the means over a policy's joint action in each state."""
    own_state = np.repeat(np.eye(game.num_states), game.rewards[0].size, axis=1)
    return own_state * joint_factor(policy).ravel()


def _target_weights(target: Policy, behaviour: Policy, limit: float | None) -> Table:
    """``min(limit, rho)``, or 1 where there is no limit to speak of."""
    if limit is None:
        return np.ones_like(joint_factor(behaviour))
    return np.minimum(limit, joint_factor(importance_ratios(target, behaviour)))


def _decomposed_features(game: TeamGame, policy: Policy, order: int) -> Float[np.ndarray, "J K"]:
    """Indicators of each state, times those of up to ``order`` agents' actions, centred.

    The last action of an agent follows from its others, so that it has no indicator.
    """
    states, columns = np.eye(game.num_states), []
    for size in range(order + 1):
        for team in itertools.combinations(range(game.num_agents), size):
            for actions in itertools.product(range(game.num_actions - 1), repeat=size):
                factors = (_centred(policy, *each) for each in zip(team, actions, strict=True))
                term = math.prod(factors, start=np.ones_like(game.rewards))
                columns += [(_of_states(state, term) * term).ravel() for state in states]
    return np.stack(columns, axis=1)


def _centred(policy: Policy, agent: int, action: int) -> Table:
    """Indicator of an agent's action less its probability."""
    taken = np.zeros_like(policy)
    taken[..., action] = 1.0
    return own_factor(taken - policy[..., action : action + 1], agent)
