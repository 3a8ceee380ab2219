"""The per-agent value operator of Eq. 4 and 6 as an affine map, its fixed point and contraction.

Write ``x`` for EQ^i as a vector over (s, a^-i). The advantage of Eq. 7, its mean taken under mu
given (s, a), is affine in ``x``, and so is the operator
``R x = x + E_{a^i ~ mu^i}[rho^i A(s, a)]``. Both are built from the game's tables, the infinite sum
over time solved rather than cut off.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gpae.exact.arrays import Policy, Table
from gpae.exact.games import TeamGame
from gpae.exact.policies import joint_factor, own_factor
from gpae.exact.values import check_policy, state_transitions


@dataclass(frozen=True)
class Operator:
    """One agent's operator and expected advantage, affine in its values EQ^i.

    ``K`` counts the pairs (s, a^-i) and ``J`` the pairs (s, a), both in C order of the tables'
    axes.

    Attributes:
        linear: ``[K, K]``, the operator's linear part.
        offset: ``[K]``, its constant part.
        advantage_linear: ``[J, K]``, the expected advantage's linear part.
        advantage_offset: ``[J]``, its constant part.
        value_shape: shape of EQ^i as a table, length one on the agent's own axis.
        table_shape: shape of a function of state and joint action.
    """

    linear: Float[np.ndarray, "K K"]
    offset: Float[np.ndarray, " K"]
    advantage_linear: Float[np.ndarray, "J K"]
    advantage_offset: Float[np.ndarray, " J"]
    value_shape: tuple[int, ...]
    table_shape: tuple[int, ...]

    def __call__(self, values: Table) -> Table:
        """Image of EQ^i under the operator, own axis of length one."""
        return (self.linear @ values.ravel() + self.offset).reshape(self.value_shape)

    def advantages(self, values: Table) -> Table:
        """E_mu[A^i | s, a] of Eq. 7 for these EQ^i, ``[S, A^1, ..., A^N]``."""
        flat = self.advantage_linear @ values.ravel() + self.advantage_offset
        return flat.reshape(self.table_shape)


def build_operator(
    game: TeamGame,
    target: Policy,
    behaviour: Policy,
    agent: int,
    traces: Table,
    bootstrap_weights: Table | None = None,
    *,
    target_limit: float = np.inf,
) -> Operator:
    """Operator of Eq. 6; with behaviour = target and constant traces, that of Eq. 4.

    Args:
        game: the game played.
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        agent: index i from 0.
        traces: lambda c^i(s, a), see :func:`gpae.exact.traces`.
        bootstrap_weights: weight of the successor's EQ^i(s, a^-i), see
            :func:`gpae.exact.bootstrap_weights`; None for one, as printed.
        target_limit: upper limit of the ratio rho^i that weighs the advantage: infinite in Eq. 6, 1
            in the targets of Eq. 11.

    Raises:
        ValueError: if a policy does not fit the game, or the traces make the sum over time diverge.
    """
    check_policy(game, target, "target")
    check_policy(game, behaviour, "behaviour")
    table_shape = game.rewards.shape
    value_shape = (*table_shape[: 1 + agent], 1, *table_shape[2 + agent :])
    spread = _spread(value_shape, table_shape)
    errors, errors_offset = _td_errors(game, behaviour, spread, bootstrap_weights)
    sums = trace_weighted_sum(game, behaviour, traces, np.column_stack([errors, errors_offset]))
    weighted = target if np.isinf(target_limit) else np.minimum(target, target_limit * behaviour)
    own = np.broadcast_to(own_factor(weighted, agent), table_shape).reshape(-1, 1)
    averaged = spread.T @ (own * sums)
    return Operator(
        linear=np.eye(spread.shape[1]) + averaged[:, :-1],
        offset=averaged[:, -1],
        advantage_linear=sums[:, :-1],
        advantage_offset=sums[:, -1],
        value_shape=value_shape,
        table_shape=table_shape,
    )


def fixed_point(operator: Operator) -> Table:
    """Fixed point: the EQ^i that the operator maps to itself, own axis of length one.

    Args:
        operator: from :func:`build_operator`.

    Raises:
        numpy.linalg.LinAlgError: if there is no unique fixed point.
    """
    identity = np.eye(len(operator.offset))
    return np.linalg.solve(identity - operator.linear, operator.offset).reshape(
        operator.value_shape
    )


def contraction_modulus(operator: Operator) -> float:
    """Contraction modulus: the least L with ``|R x - R y| <= L |x - y|``, in the maximum norm.

    Args:
        operator: from :func:`build_operator`.
    """
    return float(np.abs(operator.linear).sum(axis=1).max())


def spectral_radius(operator: Operator) -> float:
    """Rate of repeated application, which converges below one and diverges above.

    Args:
        operator: from :func:`build_operator`.
    """
    return float(np.abs(np.linalg.eigvals(operator.linear)).max())


def trace_weighted_sum(
    game: TeamGame,
    behaviour: Policy,
    traces: Table,
    errors: Float[np.ndarray, "J M"],
) -> Float[np.ndarray, "J M"]:
    """E_mu[sum_t gamma^t (prod_{j=1..t} trace_j) error_t | s, a], solved on states.

    The sum is ``A = error + gamma P v`` with ``v(s) = E_mu[trace A | s]``, and the latter closes on
    itself: ``v = E_mu[trace error] + gamma M v`` with ``M`` the trace-weighted transitions between
    states.

    Args:
        game: the game played.
        behaviour: mu, ``[N, S, A]``.
        traces: ``[S, A^1, ..., A^N]``.
        errors: one column each sum, rows (s, a) in C order.

    Raises:
        ValueError: if the sum diverges.
    """
    weighted = joint_factor(behaviour) * traces
    chain = game.discount * state_transitions(game, weighted)
    if np.abs(np.linalg.eigvals(chain)).max() >= 1:
        raise ValueError("traces: too large, the expected sum of Eq. 6 diverges")
    entering = _state_sums(game, weighted, errors)
    later = np.linalg.solve(np.eye(game.num_states) - chain, entering)
    return errors + game.discount * _successors(game) @ later


def _spread(value_shape: tuple[int, ...], table_shape: tuple[int, ...]) -> Float[np.ndarray, "J K"]:
    """Matrix that reads a function of (s, a^-i) as one of (s, a)."""
    size = int(np.prod(value_shape))
    index = np.broadcast_to(np.arange(size).reshape(value_shape), table_shape)
    return np.eye(size)[index.ravel()]


def _td_errors(
    game: TeamGame,
    behaviour: Policy,
    spread: Float[np.ndarray, "J K"],
    bootstrap_weights: Table | None,
) -> tuple[Float[np.ndarray, "J K"], Float[np.ndarray, " J"]]:
    """Linear and constant part of E_mu[r + gamma w' EQ' - EQ | s, a], the mean of Eq. 7's delta."""
    probabilities = joint_factor(behaviour)
    if bootstrap_weights is not None:
        probabilities = probabilities * bootstrap_weights
    bootstrap = game.discount * _successors(game) @ _state_sums(game, probabilities, spread)
    return bootstrap - spread, game.rewards.ravel()


def _successors(game: TeamGame) -> Float[np.ndarray, "J S"]:
    return game.transitions.reshape(-1, game.num_states)


def _state_sums(
    game: TeamGame, weights: Table, columns: Float[np.ndarray, "J M"]
) -> Float[np.ndarray, "S M"]:
    """Weighted sum of each column over the joint actions of a state."""
    weighted = weights.reshape(-1, 1) * columns
    return weighted.reshape(game.num_states, -1, columns.shape[1]).sum(axis=1)
