"""Factored team policies ``[N, S, A]`` and the importance ratios between two of them."""

import functools
import operator

import numpy as np

from gpae.exact.arrays import Policy, Ratios, Table


def softmax_policy(logits: Policy) -> Policy:
    """Probabilities proportional to the exponential of the logits.

    Args:
        logits: ``[N, S, A]``.
    """
    weights = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def own_factor(factors: Ratios, agent: int) -> Table:
    """One agent's factor along its own axis, the other agents' axes having length one.

    Args:
        factors: ``[N, S, A]``, probabilities or ratios per agent, state and own action.
        agent: index from 0.
    """
    num_agents, num_states, num_actions = factors.shape
    shape = [num_states] + [1] * num_agents
    shape[1 + agent] = num_actions
    return factors[agent].reshape(shape)


def others_factor(factors: Ratios, agent: int) -> Table:
    """Product of every other agent's factors; the agent's own axis has length one.

    Args:
        factors: ``[N, S, A]``, probabilities or ratios per agent, state and own action.
        agent: index from 0.
    """
    num_agents, num_states, _ = factors.shape
    one = np.ones([num_states] + [1] * num_agents)
    others = (own_factor(factors, j) for j in range(num_agents) if j != agent)
    return functools.reduce(operator.mul, others, one)


def joint_factor(factors: Ratios) -> Table:
    """Product of all agents' factors: the joint policy of per-agent ones, or rho of ratios.

    Args:
        factors: ``[N, S, A]``, probabilities or ratios per agent, state and own action.
    """
    return own_factor(factors, 0) * others_factor(factors, 0)


def importance_ratios(target: Policy, behaviour: Policy) -> Ratios:
    """Per-agent ratios rho^i = pi^i / mu^i of section 4.2.

    Args:
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``, positive everywhere.

    Raises:
        ValueError: if the behaviour policy leaves an action out, where the ratio has no value.
    """
    if (behaviour <= 0).any():
        raise ValueError("behaviour: expected every action to have positive probability")
    return target / behaviour


def mixed_policy(target: Policy, behaviour: Policy, agent: int) -> Policy:
    """Team policy (pi^i, mu^-i): one agent follows the target policy, its team mates the behaviour.

    Args:
        target: pi, ``[N, S, A]``.
        behaviour: mu, ``[N, S, A]``.
        agent: index i from 0.
    """
    mixed = behaviour.copy()
    mixed[agent] = target[agent]
    return mixed
