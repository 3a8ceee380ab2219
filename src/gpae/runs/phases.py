"""Times of an update's phases."""

import time
from statistics import median

from rich.console import Console
from rich.table import Table


class PhaseTimes:
    """Seconds of each phase of each update; the first update, which compiles, is left out."""

    def __init__(self) -> None:
        self._seconds: dict[str, list[float]] = {}
        self._last = time.perf_counter()

    def begin(self) -> None:
        """Mark the start of an update."""
        self._last = time.perf_counter()

    def record(self, phase: str) -> None:
        """Mark the end of a phase."""
        now = time.perf_counter()
        self._seconds.setdefault(phase, []).append(now - self._last)
        self._last = now

    def last(self) -> dict[str, float]:
        """Seconds of each phase in the last update."""
        return {name: seconds[-1] for name, seconds in self._seconds.items()}

    def medians(self) -> dict[str, float]:
        """Median seconds of each phase."""
        return {name: median(seconds[1:] or seconds) for name, seconds in self._seconds.items()}

    def show(self, console: Console, env_steps: int) -> None:
        """Print each phase's median time, its share and its rate in env steps a second.

        Nothing is printed where nothing was timed.
        """
        medians = self.medians()
        if not medians:
            return
        total = sum(medians.values())
        table = Table(title="median time of an update")
        for heading in ("phase", "seconds", "share", "env steps/s"):
            table.add_column(heading, justify="left" if heading == "phase" else "right")
        for name, seconds in [*medians.items(), ("all", total)]:
            table.add_row(
                name, f"{seconds:.3f}", f"{seconds / total:.0%}", f"{env_steps / seconds:,.0f}"
            )
        console.print(table)
