"""Exact values of a team policy, by solving the Bellman equation."""

import numpy as np
from jaxtyping import Float

from gpae.exact.arrays import Policy, StateTable, Table
from gpae.exact.games import TeamGame
from gpae.exact.policies import joint_factor, own_factor


def check_policy(game: TeamGame, policy: Policy, name: str) -> None:
    """Check of a policy: one distribution per agent and state.

    Args:
        game: the game played.
        policy: ``[N, S, A]``.
        name: the argument's name, for the message.

    Raises:
        ValueError: naming the argument, what was expected and what was found.
    """
    expected = (game.num_agents, game.num_states, game.num_actions)
    if policy.shape != expected:
        raise ValueError(f"{name}: expected shape [N, S, A] = {expected}, found {policy.shape}")
    if (policy < 0).any() or not np.allclose(policy.sum(-1), 1):
        raise ValueError(f"{name}: expected a distribution over actions per agent and state")


def state_transitions(game: TeamGame, weights: Table) -> Float[np.ndarray, "S S"]:
    """Weighted transitions summed over joint actions: ``sum_a weights(s, a) P(s' | s, a)``.

    Args:
        game: the game played.
        weights: ``[S, A^1, ..., A^N]``; the joint policy gives the state chain of that policy.
    """
    return np.einsum("sj,sjt->st", _flat(game, weights), _flat(game, game.transitions))


def successor_mean(game: TeamGame, policy: Policy, table: Table) -> Table:
    """E_pi[table(s', a') | s, a], ``[S, A^1, ..., A^N]``.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.
        table: a function of state and joint action, broadcastable to ``[S, A^1, ..., A^N]``.
    """
    return game.transitions @ _flat(game, joint_factor(policy) * table).sum(axis=1)


def discounted_sum(
    game: TeamGame,
    policy: Policy,
    table: Table,
    decay: float,
) -> Table:
    """E_pi[sum_t decay^t table(s_t, a_t) | s_0 = s, a_0 = a], ``[S, A^1, ..., A^N]``.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.
        table: a function of state and joint action, broadcastable to ``[S, A^1, ..., A^N]``.
        decay: in [0, 1).

    Raises:
        ValueError: if the policy does not fit the game.
    """
    check_policy(game, policy, "policy")
    joint = joint_factor(policy)
    now = _flat(game, joint * table).sum(axis=1)
    chain = decay * state_transitions(game, joint)
    later = np.linalg.solve(np.eye(game.num_states) - chain, now)
    return table + decay * game.transitions @ later


def action_values(game: TeamGame, policy: Policy) -> Table:
    """Q^pi, ``[S, A^1, ..., A^N]``.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.

    Raises:
        ValueError: if the policy does not fit the game.
    """
    return discounted_sum(game, policy, game.rewards, game.discount)


def state_values(game: TeamGame, policy: Policy) -> StateTable:
    """V^pi, ``[S]``.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.

    Raises:
        ValueError: if the policy does not fit the game.
    """
    return _flat(game, joint_factor(policy) * action_values(game, policy)).sum(axis=1)


def expected_values(values: Table, policy: Policy, agent: int) -> Table:
    """EQ^i(s, a^-i) = E_{a^i ~ pi^i} Q(s, a^i, a^-i) (section 4.1), own axis kept with length one.

    Args:
        values: Q, ``[S, A^1, ..., A^N]``.
        policy: pi, ``[N, S, A]``.
        agent: index i from 0.
    """
    return (own_factor(policy, agent) * values).sum(axis=1 + agent, keepdims=True)


def occupancy(game: TeamGame, policy: Policy) -> StateTable:
    """Discounted state occupancy from a uniform start, normalised to sum to one.

    Args:
        game: the game played.
        policy: pi, ``[N, S, A]``.

    Raises:
        ValueError: if the policy does not fit the game.
    """
    check_policy(game, policy, "policy")
    start = np.full(game.num_states, 1 / game.num_states)
    chain = state_transitions(game, joint_factor(policy))
    visits = np.linalg.solve(np.eye(game.num_states) - game.discount * chain.T, start)
    return (1 - game.discount) * visits


def _flat(game: TeamGame, table: Table) -> Float[np.ndarray, "S J *rest"]:
    """Table with the agents' axes merged into one axis of joint actions."""
    joint_actions = game.num_actions**game.num_agents
    rest = table.shape[1 + game.num_agents :]
    return table.reshape(game.num_states, joint_actions, *rest)
