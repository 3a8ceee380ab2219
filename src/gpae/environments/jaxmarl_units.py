"""The particles of JaxMARL's MPE, for their picture."""

from collections.abc import Hashable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from gpae.environments.pictures import LANDMARK, OPPONENT, TEAM, Units

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MARGIN = 0.3


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
        marks=tuple(str(row) if row >= 0 else "" for row in rows) + ("",) * landmarks,
        area=_area(positions),
        notes=_messages(game, states),
    )


def _area(positions: Float[np.ndarray, "T1 U 2"]) -> tuple[float, float, float, float]:
    """The square from -1 to 1, in which everything begins, and wherever a particle has been."""
    low = np.minimum(positions.min((0, 1)), -1.0) - _MARGIN
    high = np.maximum(positions.max((0, 1)), 1.0) + _MARGIN
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


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
