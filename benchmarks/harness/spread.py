"""The middle of repeated measurements, and how far they lie apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Spread:
    """Median and quartiles.

    Attributes:
        median: Half of the measurements are below it.
        low: A quarter is below it.
        high: A quarter is above it.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Summarise measurements, interpolating between neighbours."""
        low, median, high = np.quantile(np.asarray(values, float), [0.25, 0.5, 0.75])
        return cls(median=float(median), low=float(low), high=float(high))

    def show(self, write: Callable[[float], str]) -> str:
        """As text, ``median (low to high)``, each number written by a function."""
        return f"{write(self.median)} ({write(self.low)} to {write(self.high)})"
