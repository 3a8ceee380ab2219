"""Callbacks: what a program of one's own does as a run goes on, and how it stops it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpae.runs.signals import StopRequest


@dataclass(frozen=True)
class WatchedRun:
    """A run that is being trained, as its callbacks see it.

    Attributes:
        folder: Its folder.
        seed: Its seed.
        stop_request: The session's request to stop.
    """

    folder: Path
    seed: int
    stop_request: StopRequest

    def stop(self, reason: str = "a callback") -> None:
        """Ask the run to stop with a checkpoint, as at Ctrl-C; runs made together stop together.

        The call that is under way is finished first, up to ``run.updates_per_call`` updates.

        Args:
            reason: The reason, for the line that is printed.
        """
        self.stop_request.request(reason)


class Callback:
    """Base class of callbacks; each of its methods does nothing until it is overridden.

    They are called in the training process between compiled calls, after what they are told of is
    on disk. An exception that one raises ends the session; the last checkpoint remains.
    """

    def on_metrics(self, run: WatchedRun, record: Mapping[str, float]) -> None:
        """See the metrics of one update.

        Args:
            run: The run.
            record: ``update``, ``env_steps``, ``gradient_steps`` and the metrics by name, as in
                ``metrics.jsonl``. The updates of one compiled call arrive one after the other.
        """

    def on_evaluation(self, run: WatchedRun, record: Mapping[str, Any]) -> None:
        """See an evaluation.

        Args:
            run: The run.
            record: The counters, ``mode``, ``absolute`` and, by metric, one value for each episode,
                as in ``evaluations.jsonl``.
        """

    def on_checkpoint(self, run: WatchedRun, update: int) -> None:
        """See that a checkpoint is complete on disk.

        Args:
            run: The run.
            update: The update it is of.
        """


@dataclass(frozen=True)
class Watchers:
    """The callbacks of one run, told of what happens in their order.

    Attributes:
        callbacks: The callbacks.
        run: What they are given as the run.
    """

    callbacks: Sequence[Callback]
    run: WatchedRun

    def metrics(self, record: Mapping[str, float]) -> None:
        """Tell of an update's metrics."""
        for callback in self.callbacks:
            callback.on_metrics(self.run, record)

    def evaluation(self, record: Mapping[str, Any]) -> None:
        """Tell of an evaluation."""
        for callback in self.callbacks:
            callback.on_evaluation(self.run, record)

    def checkpoint(self, update: int) -> None:
        """Tell of a checkpoint."""
        for callback in self.callbacks:
            callback.on_checkpoint(self.run, update)
