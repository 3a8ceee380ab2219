"""Metrics and evaluations of a run: two files of records, and the same as TensorBoard events."""

import math
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gpae.runs.files import disk_errors
from gpae.runs.folder import RunFolder
from gpae.runs.records import RecordFile

__all__ = ["EventFile", "MetricsWriter", "RecordFile"]

_COUNTERS = ("update", "env_steps")


class EventFile:
    """TensorBoard scalars, written at once and in this thread: a full disk is an error right here.

    Args:
        folder: Where TensorBoard looks; created when absent. Each instance starts a new file.
        purge_step: TensorBoard forgets events of earlier files from this step on.

    Raises:
        UserError: The file cannot be created.
    """

    def __init__(self, folder: Path, purge_step: int | None = None) -> None:
        from tensorboardX.event_file_writer import EventsWriter
        from tensorboardX.proto.event_pb2 import SessionLog

        self._folder = folder
        self._closed = False
        with disk_errors(f"write to {folder}"):
            folder.mkdir(parents=True, exist_ok=True)
            self._writer = EventsWriter(str(folder / "events"), f".{time.time_ns()}")
        if purge_step is not None:
            self._add(purge_step, session_log=SessionLog(status=SessionLog.START))

    def scalars(self, values: Mapping[str, float], step: int) -> None:
        """Add one value a tag.

        Args:
            values: Tag to value.
            step: Position on the horizontal axis, in environment steps.

        Raises:
            UserError: The disk is full or cannot be written.
        """
        from tensorboardX.proto.summary_pb2 import Summary

        entries = [Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        self._add(step, summary=Summary(value=entries))

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        if not self._closed:
            self._closed = True
            with disk_errors(f"write to {self._folder}"):
                self._writer.close()

    def _add(self, step: int, **contents: Any) -> None:
        from tensorboardX.proto.event_pb2 import Event

        with disk_errors(f"write to {self._folder}"):
            self._writer.write_event(Event(wall_time=time.time(), step=step, **contents))
            self._writer.flush()


class MetricsWriter:
    """Writes a run's metrics and evaluations, each record to its file and to TensorBoard.

    The caller holds the run's lock and, to resume, has restored the checkpoint already. Tags are
    the record's keys, the horizontal axis is ``env_steps``.

    Args:
        run: The run to write to.
        resume_update: The update of the checkpoint the run continues from (0 for the very
            beginning): what was recorded after it is dropped, as it will be recorded again. None
            for a new run.

    Raises:
        UserError: A file cannot be read or written.
    """

    def __init__(self, run: RunFolder, resume_update: int | None = None) -> None:
        self.metrics = RecordFile(run.metrics_path)
        self.evaluations = RecordFile(run.evaluations_path)
        purge_step = None if resume_update is None else self._rewind(resume_update)
        self._events = EventFile(run.tensorboard_path, purge_step)

    def write(self, record: Mapping[str, Any]) -> None:
        """Record one update.

        Args:
            record: ``update``, ``env_steps``, and scalars by tag, such as ``train/episode_return``.

        Raises:
            ValueError: A counter is missing.
            UserError: The disk is full or cannot be written.
        """
        _require_counters(record)
        scalars = {tag: float(value) for tag, value in record.items() if tag not in _COUNTERS}
        self.metrics.append(record)
        self._events.scalars(scalars, int(record["env_steps"]))

    def write_evaluation(self, record: Mapping[str, Any]) -> None:
        """Record one evaluation; TensorBoard gets episode means, ``evaluation/MODE/METRIC``.

        Args:
            record: ``update``, ``env_steps``, ``mode``, ``absolute`` and, by metric, one value an
                episode; numbers, names and mappings besides. The absolute evaluation, of the best
                parameters, belongs to no step of the curve and so not to TensorBoard.

        Raises:
            ValueError: A counter is missing.
            UserError: The disk is full or cannot be written.
        """
        _require_counters(record)
        self.evaluations.append(record)
        if record.get("absolute", False):
            return
        means = {
            f"evaluation/{record['mode']}/{metric}": math.fsum(values) / len(values)
            for metric, values in record.items()
            if hasattr(values, "__len__")
            and not isinstance(values, str | Mapping)
            and len(values) > 0
        }
        self._events.scalars(means, int(record["env_steps"]))

    def sync(self) -> None:
        """Make every record so far survive a power cut; call it before saving a checkpoint.

        Raises:
            UserError: The disk refused.
        """
        self.metrics.sync()
        self.evaluations.sync()

    def close(self) -> None:
        """Close every file."""
        self.metrics.close()
        self.evaluations.close()
        self._events.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _rewind(self, update: int) -> int:
        """Drop what was recorded after an update; the first environment step to be seen again."""
        self.metrics.truncate_after("update", update)
        self.evaluations.truncate_after("update", update)
        kept = [*self.metrics.read(), *self.evaluations.read()]
        return max((int(record["env_steps"]) + 1 for record in kept), default=0)


def _require_counters(record: Mapping[str, Any]) -> None:
    missing = [name for name in _COUNTERS if name not in record]
    if missing:
        raise ValueError(f"record without {' and '.join(missing)}: it has {', '.join(record)}")
