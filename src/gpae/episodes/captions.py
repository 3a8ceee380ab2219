"""Lines of text above and below the pictures of an episode."""

from typing import TypeAlias

import numpy as np

from gpae.console import shown
from gpae.environments import Units
from gpae.environments.pictures import LANDMARK, OPPONENT, TEAM, Colour
from gpae.episodes import theme
from gpae.episodes.recording import Episode
from gpae.episodes.scene import Scene

Words: TypeAlias = tuple[str, Colour]
"""Words in one colour."""

_SIDES = {TEAM: "team", OPPONENT: "opponents", LANDMARK: "landmarks"}


def line_above(episode: Episode, moment: int) -> str:
    """The number of steps made, and the return so far.

    Args:
        episode: The episode.
        moment: The number of steps made.
    """
    so_far = float(np.sum(episode.team_rewards[:moment], dtype=np.float64))
    return f"step {moment} of {len(episode)}    return {shown(so_far, 2)}"


def line_below(episode: Episode, scene: Scene, moment: int) -> list[Words]:
    """The legend or the speech of units; the metrics where an environment draws itself.

    Args:
        episode: The episode.
        scene: Its scene.
        moment: The number of steps made.
    """
    if not isinstance(scene, Units):
        last = moment == len(episode)
        return [(metrics_in_words(episode), theme.INK)] if last else []
    if any(scene.notes):
        return [(scene.notes[moment], theme.INK)]
    return _legend(scene)


def has_line_below(episode: Episode, scene: Scene) -> bool:
    """True if any moment has a line below."""
    return isinstance(scene, Units) or bool(episode.metrics)


def metrics_in_words(episode: Episode) -> str:
    """The metrics of an episode, such as ``win rate 1.00``."""
    return "    ".join(
        f"{name.replace('_', ' ')} {shown(value, 2)}" for name, value in episode.metrics.items()
    )


def _legend(units: Units) -> list[Words]:
    """The sides in their colours, and the kinds by their marks."""
    sides = [(f"● {_SIDES[side]}", theme.SIDES[side]) for side in dict.fromkeys(units.sides)]
    marks = {
        mark: kind
        for mark, kind, side in zip(units.marks, units.kinds, units.sides, strict=True)
        if mark and not mark.isdecimal() and side != LANDMARK
    }
    return [*sides, *((f"{mark} {kind}", theme.FAINT_INK) for mark, kind in marks.items())]
