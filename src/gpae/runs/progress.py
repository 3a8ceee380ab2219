"""What a person sees while a run goes on: a live line in a terminal, plain lines elsewhere."""

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
        self._total, self._metric, self._begun = total, metric, done
        self._evaluated = "-"
        self._started = time.monotonic()
        self._last_line = self._started
        self._progress = Progress(
            TextColumn("env steps"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            TextColumn("{task.fields[evaluated]}"),
            console=console,
            transient=True,
        )
        self._task: TaskID = self._progress.add_task(
            "", total=total, completed=done, rate="", evaluated=""
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
        self._progress.stop()

    def advanced(self, env_steps: int, steps_per_second: float) -> None:
        """Show that the run has come to ``env_steps``."""
        rate = f"{steps_per_second:,.0f} steps/s"
        self._progress.update(
            self._task,
            completed=min(env_steps, self._total),
            rate=rate,
            evaluated=f"{self._metric} {self._evaluated}",
        )
        now = time.monotonic()
        if not self.console.is_terminal and now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._line(env_steps, rate, now)

    def evaluated(self, env_steps: int, summary: str) -> None:
        """Show an evaluation's result."""
        self._evaluated = summary
        self.message(f"{env_steps:>12,} env steps   evaluation {self._metric} {summary}")

    def message(self, text: str) -> None:
        """Show a line above the progress."""
        self.console.print(text, highlight=False, soft_wrap=True)

    def _line(self, env_steps: int, rate: str, now: float) -> None:
        pace = (env_steps - self._begun) / (now - self._started)
        left = (self._total - env_steps) / pace if pace > 0 else 0.0
        self.message(
            f"{env_steps:>12,} env steps   {rate}   {max(left, 0.0) / 60:.1f} min left   "
            f"{self._metric} {self._evaluated}"
        )
