"""The card of a trained team: its origin, and its measured result."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from gpae.errors import UserError

CARD = "card.json"
"""Name of the file in a team's folder."""

_NORMAL_95 = 1.959963984540054
"""The 97.5 % quantile of the standard normal distribution."""


@dataclass(frozen=True)
class Card:
    """Origin and result of a team.

    Attributes:
        task: The task it was trained and evaluated on.
        method: The method that trained it.
        env_steps: Environment steps of its training, up to these parameters.
        metric: The headline metric, such as ``win_rate``.
        mean: Its mean over the episodes, played greedily.
        low: Lower end of the mean's 95 % interval.
        high: Upper end of that interval.
        episodes: Number of the episodes.
        evaluation_seed: The seed that they follow from.
        date: Day of the evaluation, as ``2026-11-28``.
        versions: Versions of gpae, JAX and the environment's package.
        command: The command that trained it.
    """

    task: str
    method: str
    env_steps: int
    metric: str
    mean: float
    low: float
    high: float
    episodes: int
    evaluation_seed: int
    date: str
    versions: dict[str, str]
    command: str

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a card.

        Raises:
            UserError: The file cannot be read, or is no card.
        """
        try:
            return cls(**json.loads(path.read_bytes()))
        except OSError as error:
            raise UserError(f"cannot read {path}: {error.strerror}") from error
        except (ValueError, TypeError) as error:
            raise UserError(f"{path} is damaged: it is no card of a team") from error

    def as_json(self) -> str:
        """The card as :meth:`read` reads it."""
        return json.dumps(asdict(self), indent=2) + "\n"


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """95 % interval of a mean over independent episodes.

    Args:
        values: One number an episode, in the metric's unit.

    Returns:
        Both ends: Wilson's interval where every value is 0 or 1, the normal one otherwise.

    Raises:
        ValueError: There are fewer than two values.
    """
    count = len(values)
    if count < 2:
        raise ValueError(f"an interval needs at least two values, found {count}")
    mean = math.fsum(values) / count
    if set(values) <= {0.0, 1.0}:
        return _wilson(mean, count)
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in values) / (count - 1))
    half = _NORMAL_95 * deviation / math.sqrt(count)
    return mean - half, mean + half


def _wilson(mean: float, count: int) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927)."""
    square = _NORMAL_95**2
    centre = (mean + square / (2 * count)) / (1 + square / count)
    spread = math.sqrt(mean * (1 - mean) / count + square / (4 * count**2))
    half = _NORMAL_95 * spread / (1 + square / count)
    return max(0.0, centre - half), min(1.0, centre + half)
