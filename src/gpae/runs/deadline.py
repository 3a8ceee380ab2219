"""The end of a time budget, which the runs of a command share."""

import time
from dataclasses import dataclass
from typing import Self

from gpae.durations import seconds


@dataclass(frozen=True)
class Deadline:
    """The moment at which runs stop.

    It is a time of the system's clock, so that processes of several machines can share it.

    Attributes:
        budget: The time budget as it was given, such as ``13m``.
        end: When it is spent, in seconds since the epoch.
    """

    budget: str
    end: float

    @classmethod
    def of(cls, budget: str | None, since: float | None = None) -> Self | None:
        """The end of a budget, None where there is none.

        Args:
            budget: A duration as :func:`gpae.durations.seconds` reads it, or None.
            since: When it began, in seconds since the epoch; now if None.

        Raises:
            ValueError: The budget is no duration.
        """
        if budget is None:
            return None
        return cls(budget, (time.time() if since is None else since) + seconds(budget))

    @property
    def left(self) -> float:
        """Seconds until the end, negative after it."""
        return self.end - time.time()

    @property
    def passed(self) -> bool:
        """True once the budget is spent."""
        return self.left <= 0.0

    @property
    def reason(self) -> str:
        """The reason of a stop at the end, in words."""
        return f"the budget of {self.budget} is spent"
