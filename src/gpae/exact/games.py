"""Finite cooperative team games, given by their tables.

A function of state and joint action is a :data:`~gpae.exact.arrays.Table`: an array
``[S, A^1, ..., A^N]``, agent ``i`` owning axis ``1 + i``.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from gpae.exact.arrays import Table
from gpae.exact.policies import own_factor

RewardStructure = Literal["joint", "additive"]


@dataclass(frozen=True)
class TeamGame:
    """A discounted Markov game with one shared reward, fully observed (section 2.1).

    Attributes:
        transitions: ``[S, A^1, ..., A^N, S]``, probability of the successor state.
        rewards: ``[S, A^1, ..., A^N]``, expected team reward.
        discount: gamma in [0, 1).

    Raises:
        ValueError: if shapes disagree, transitions are not distributions, agents' action counts
            differ, or the discount is outside [0, 1).
    """

    transitions: Float[np.ndarray, "S *A S"]
    rewards: Table
    discount: float

    def __post_init__(self) -> None:
        if self.rewards.ndim < 2 or len(set(self.rewards.shape[1:])) != 1:
            raise ValueError(
                "rewards: expected [S, A, ..., A] with one equally long axis per agent, "
                f"found shape {self.rewards.shape}"
            )
        expected = (*self.rewards.shape, self.num_states)
        if self.transitions.shape != expected:
            raise ValueError(
                f"transitions: expected shape {expected}, found {self.transitions.shape}"
            )
        if (self.transitions < 0).any() or not np.allclose(self.transitions.sum(-1), 1):
            raise ValueError("transitions: expected distributions over the last axis")
        if not 0 <= self.discount < 1:
            raise ValueError(f"discount: expected a number in [0, 1), found {self.discount}")

    @property
    def num_states(self) -> int:
        """Number of states S."""
        return self.rewards.shape[0]

    @property
    def num_agents(self) -> int:
        """Number of agents N."""
        return self.rewards.ndim - 1

    @property
    def num_actions(self) -> int:
        """Number of actions A of each agent."""
        return self.rewards.shape[1]


def random_game(
    rng: np.random.Generator,
    *,
    num_states: int,
    num_agents: int,
    num_actions: int,
    discount: float,
    rewards: RewardStructure = "joint",
) -> TeamGame:
    """Random game with uniform (Dirichlet(1)) transitions and standard normal rewards.

    Args:
        rng: source of randomness.
        num_states: S.
        num_agents: N.
        num_actions: A, the same for every agent.
        discount: gamma in [0, 1).
        rewards: ``"joint"`` draws one reward per state and joint action, the strongest interaction;
            ``"additive"`` sums one draw per state, agent and own action, none at all.

    Raises:
        ValueError: if ``rewards`` names no structure, or the discount is outside [0, 1).
    """
    shape = (num_states,) + (num_actions,) * num_agents
    transitions = rng.dirichlet(np.ones(num_states), size=shape)
    if rewards == "joint":
        return TeamGame(transitions, rng.normal(size=shape), discount)
    if rewards == "additive":
        contributions = rng.normal(size=(num_agents, num_states, num_actions))
        total = sum(own_factor(contributions, i) for i in range(num_agents))
        return TeamGame(transitions, np.asarray(total), discount)
    raise ValueError(f"rewards: expected 'joint' or 'additive', found {rewards!r}")


def matrix_game(payoffs: Float[np.ndarray, "*A"], discount: float = 0.0) -> TeamGame:
    """One-state game with these payoffs, played once (discount 0) or repeatedly.

    Args:
        payoffs: ``[A^1, ..., A^N]``, the team reward of each joint action.
        discount: gamma in [0, 1).

    Raises:
        ValueError: as :class:`TeamGame`.
    """
    rewards = np.asarray(payoffs, dtype=float)[None]
    return TeamGame(np.ones((*rewards.shape, 1)), rewards, discount)


def named_games(discount: float = 0.0) -> dict[str, TeamGame]:
    """Two-agent matrix games of the cooperative literature, by name.

    ``climbing`` and ``penalty`` (with penalty -10) are those of Claus and Boutilier (1998): a high
    reward beside a high loss. ``coordination`` pays for equal actions and ``xor`` for different
    ones, so neither agent earns anything alone. ``additive`` pays each agent's action by itself.

    Args:
        discount: gamma in [0, 1); 0 plays each game once.
    """
    payoffs = {
        "climbing": [[11, -30, 0], [-30, 7, 6], [0, 0, 5]],
        "penalty": [[10, 0, -10], [0, 2, 0], [-10, 0, 10]],
        "additive": [[0, 1], [2, 3]],
        "coordination": [[1, 0], [0, 1]],
        "xor": [[0, 1], [1, 0]],
    }
    return {name: matrix_game(np.array(table), discount) for name, table in payoffs.items()}


def switching_game(discount: float = 0.9) -> TeamGame:
    """Two-state game: agent 1 stays (action 0) or switches state (action 1), agent 0 idles.

    State 1 pays one, state 0 nothing. With a target policy that mostly stays and a behaviour policy
    that mostly switches, the operator of Eq. 6 with the unbounded trace c = rho is no contraction.

    Args:
        discount: gamma in [0, 1).
    """
    stay, switch = np.eye(2), np.eye(2)[::-1]
    transitions = np.broadcast_to(np.stack([stay, switch], axis=1)[:, None], (2, 2, 2, 2))
    rewards = np.broadcast_to(np.array([0.0, 1.0])[:, None, None], (2, 2, 2))
    return TeamGame(transitions.copy(), rewards.copy(), discount)
