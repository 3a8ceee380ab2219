"""Progress of a run on the screen: a live line in a terminal, plain lines elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from gpae.console import say

_SECONDS_BETWEEN_LINES = 15.0


class Display:
    """Progress of one run: env steps, steps per second, time left, the evaluation's headline.

    Args:
        console: Where to show it.
        total: Environment steps of the whole run.
        metric: The headline metric's name.
        done: Environment steps made by earlier sessions.
    """

    def __init__(self, console: Console, total: int, metric: str, done: int = 0) -> None:
        self.console = console
        self._total, self._metric = total, metric
        self._evaluated = "-"
        self._begun: tuple[int, float] | None = None
        self._last_line = time.monotonic()
        self._progress = Progress(
            TextColumn("env steps"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[evaluated]}"),
            console=console,
            transient=True,
            expand=True,
        )
        self._task: TaskID = self._progress.add_task(
            "", total=total, completed=done, rate="compiling", evaluated=""
        )

    def __enter__(self) -> Self:
        if self.console.is_terminal:
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.console.is_terminal:
            self._progress.stop()

    def advanced(self, env_steps: int, steps_per_second: float) -> None:
        """Show that the run has come to ``env_steps``.

        The rate of a session's first call, which compiles, is not shown.
        """
        now = time.monotonic()
        rate = f"{steps_per_second:,.0f} steps/s" if self._begun is not None else "compiled"
        left = self._time_left(env_steps, now)
        self._progress.update(
            self._task,
            completed=min(env_steps, self._total),
            rate=rate,
            evaluated=f"{self._metric} {self._evaluated}",
        )
        if not self.console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self.message(
                f"{env_steps:>12,} env steps   {rate}   {left}   {self._metric} {self._evaluated}"
            )

    def evaluated(self, env_steps: int, summary: str) -> None:
        """Show an evaluation's result."""
        self._evaluated = summary
        self._progress.update(self._task, evaluated=f"{self._metric} {summary}")
        self.message(f"{env_steps:>12,} env steps   evaluation {self._metric} {summary}")

    def message(self, text: str) -> None:
        """Show a line above the progress."""
        say(self.console, text)

    def _time_left(self, env_steps: int, now: float) -> str:
        """Minutes that the rest will take at the pace since the session's first call."""
        if self._begun is None:
            self._begun = (env_steps, now)
            return "- min left"
        steps, seconds = env_steps - self._begun[0], now - self._begun[1]
        return f"{(self._total - env_steps) * seconds / steps / 60:.1f} min left"
