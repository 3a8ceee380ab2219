"""TensorBoard events, in the run's folder."""

import time
from collections.abc import Mapping
from typing import Any

from gpae.loggers.logger import LoggedRun, Logger, Status, register_logger


@register_logger("tensorboard")
class TensorBoard(Logger):
    """Scalars over environment steps, written at once and in this thread.

    Each sitting begins a new file in ``tensorboard/``; of earlier files TensorBoard forgets the
    events from ``run.resume_step`` on.
    """

    packages = ("tensorboardX",)
    forgets = True

    def __init__(self, run: LoggedRun) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog

        super().__init__(run)
        folder = run.folder / "tensorboard"
        folder.mkdir(exist_ok=True)
        self._writer = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
        if run.resume_step is not None:
            self._add(run.resume_step, session_log=SessionLog(status=SessionLog.START))

    def metrics(self, values: Mapping[str, float], env_steps: int) -> None:
        """Add one value a tag."""
        from tensorboardX.proto.summary_pb2 import Summary

        entries = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add(env_steps, summary=Summary(value=entries))

    def close(self, status: Status) -> None:
        """Close the file."""
        self._writer.close()

    def _add(self, step: int, **contents: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        self._writer.write_event(Event(wall_time=time.time(), step=step, **contents))
        self._writer.flush()
