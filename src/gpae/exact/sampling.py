"""Trajectories of a finite team game, sampled many at once."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gpae.exact.arrays import Policy, Table
from gpae.exact.games import TeamGame
from gpae.exact.policies import joint_factor
from gpae.exact.values import check_policy


@dataclass(frozen=True)
class Trajectories:
    """``E`` trajectories of ``T`` steps, with the state and joint action that follow the last step.

    Attributes:
        states: ``[T+1, E]``, indices from 0.
        actions: ``[T+1, E, N]``, indices from 0.
        rewards: ``[T, E]``, team rewards.
    """

    states: Int[np.ndarray, "T+1 E"]
    actions: Int[np.ndarray, "T+1 E N"]
    rewards: Float[np.ndarray, "T E"]

    def lookup(self, table: Table) -> Float[np.ndarray, "T+1 E"]:
        """Entries of a table along the trajectories; axes of length one are skipped."""
        indices = [self.states, *np.moveaxis(self.actions, -1, 0)]
        return table[tuple(i if n > 1 else 0 for i, n in zip(indices, table.shape, strict=True))]


def sample_trajectories(
    rng: np.random.Generator,
    game: TeamGame,
    policy: Policy,
    *,
    num: int,
    length: int,
) -> Trajectories:
    """Trajectories of a policy from a uniform first state and joint action.

    The uniform start gives every (s_0, a_0) as many trajectories, to estimate means given that
    pair.

    Args:
        rng: source of randomness.
        game: the game played.
        policy: the behaviour policy mu, ``[N, S, A]``.
        num: number of trajectories E.
        length: number of steps T.

    Raises:
        ValueError: if the policy does not fit the game.
    """
    check_policy(game, policy, "policy")
    joint = joint_factor(policy).reshape(game.num_states, -1)
    transitions = game.transitions.reshape(*joint.shape, game.num_states)
    states = np.empty((length + 1, num), dtype=int)
    actions = np.empty_like(states)
    states[0] = rng.integers(game.num_states, size=num)
    actions[0] = rng.integers(joint.shape[1], size=num)
    for t in range(length):
        states[t + 1] = _draw(rng, transitions[states[t], actions[t]])
        actions[t + 1] = _draw(rng, joint[states[t + 1]])
    rewards = game.rewards.reshape(joint.shape)[states[:-1], actions[:-1]]
    per_agent = np.unravel_index(actions, game.rewards.shape[1:])
    return Trajectories(states, np.stack(per_agent, axis=-1), rewards)


def _draw(
    rng: np.random.Generator, probabilities: Float[np.ndarray, "E K"]
) -> Int[np.ndarray, " E"]:
    """One index from each row, by inverting its cumulative distribution."""
    cumulative = probabilities.cumsum(axis=1)
    thresholds = rng.random(len(probabilities)) * cumulative[:, -1]
    return (cumulative <= thresholds[:, None]).sum(axis=1)
