"""The particles of JaxMARL's MPE, for their picture."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np

from gpae.environments.pictures import LANDMARK, OPPONENT, TEAM, Units

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def particle_units(game: Any, team: Sequence[Hashable], states: Any) -> Units:
    """The particles of an episode, then its landmarks.

    Args:
        game: JaxMARL's environment.
        team: Its agents that learn, in their order.
        states: Its states at T + 1 moments, [T + 1, ...].
    """
    positions = np.asarray(states.p_pos)
    agents, landmarks = list(game.agents), len(game.landmarks)
    rows = [team.index(agent) if agent in team else -1 for agent in agents]
    return Units(
        positions=positions,
        alive=np.ones(positions.shape[:2], bool),
        radii=np.asarray(game.rad, np.float32),
        sides=(*(TEAM if row >= 0 else OPPONENT for row in rows), *[LANDMARK] * landmarks),
        agents=np.array([*rows, *[-1] * landmarks]),
        kinds=("particle",) * len(agents) + ("landmark",) * landmarks,
        marks=(*(str(row) if row >= 0 else "" for row in rows), *_goals(states, rows, landmarks)),
        notes=_messages(game, states),
    )


def _goals(states: Any, rows: Sequence[int], landmarks: int) -> list[str]:
    """The agents whose goal each landmark is, in words; nothing where there are no goals.

    There is one goal for each agent, or a single one, which is the second agent's: the first tells
    it where to go.
    """
    goals = getattr(states, "goal", None)
    if goals is None:
        return [""] * landmarks
    first = np.asarray(goals)[0]
    of_agents = zip(rows, first, strict=True) if first.ndim else [(rows[1], first)]
    agents: list[list[str]] = [[] for _ in range(landmarks)]
    for row, landmark in of_agents:
        agents[int(landmark)].append(str(row))
    return [f"goal of {' and '.join(each)}" if each else "" for each in agents]


def _messages(game: Any, states: Any) -> tuple[str, ...]:
    """The letters that speakers say at each moment; nothing where all are mute."""
    speakers = np.flatnonzero(np.asarray(game.silent) == 0)
    said = np.asarray(states.c)[:, speakers]
    return tuple(
        ", ".join(
            f"{game.agents[speaker].replace('_', ' ')} says {_LETTERS[message.argmax()]}"
            for speaker, message in zip(speakers, messages, strict=True)
            if message.any()
        )
        for messages in said
    )
