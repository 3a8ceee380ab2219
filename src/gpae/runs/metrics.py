"""Metrics and evaluations of a run: two files of records, and the same told to its loggers."""

import math
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from gpae.loggers import LoggedRun, Status
from gpae.runs.folder import RunFolder
from gpae.runs.logging import Logged, Loggers, say_on_stderr
from gpae.runs.records import RecordFile

_COUNTERS = ("update", "env_steps")


class MetricsWriter:
    """Writes a run's metrics and evaluations, each record to its file and to the run's loggers.

    The caller holds the run's lock and, to resume, has restored the checkpoint already. Tags are
    the record's keys, the horizontal axis is ``env_steps``.

    Args:
        run: The run to write to.
        resume_update: The update of the checkpoint the run continues from (0 for the very
            beginning): what was recorded after it is dropped, as it will be recorded again. None
            for a new run.
        say: Prints the line about a logger that fails; by default on standard error.

    Attributes:
        status: The end that loggers are told of when the writer closes.

    Raises:
        UserError: A file cannot be read or written, or a logger's package is missing.
    """

    def __init__(
        self,
        run: RunFolder,
        resume_update: int | None = None,
        say: Callable[[str], None] = say_on_stderr,
    ) -> None:
        self.metrics = RecordFile(run.metrics_path)
        self.evaluations = RecordFile(run.evaluations_path)
        self.status: Status = "stopped"
        logged, resume_step = Logged(), None
        if resume_update is not None:
            logged = Logged(_last_step(self.metrics), _last_step(self.evaluations))
            resume_step = self._rewind(resume_update)
        self._loggers = Loggers(LoggedRun(run.path, run.config, resume_step, say), logged)

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
        self._loggers.metrics(scalars, int(record["env_steps"]))

    def write_evaluation(self, record: Mapping[str, Any]) -> None:
        """Record one evaluation; loggers get episode means, ``evaluation/MODE/METRIC``.

        Args:
            record: ``update``, ``env_steps``, ``mode``, ``absolute`` and, by metric, one value an
                episode; numbers, names and mappings besides. The absolute evaluation, of the best
                parameters, belongs to no step of the curve: its means are the final results.

        Raises:
            ValueError: A counter is missing.
            UserError: The disk is full or cannot be written.
        """
        _require_counters(record)
        self.evaluations.append(record)
        if record.get("absolute", False):
            self._loggers.results(_episode_means(record, "absolute"))
        else:
            means = _episode_means(record, "evaluation")
            self._loggers.evaluation(means, int(record["env_steps"]))

    def sync(self) -> None:
        """Make every record so far survive a power cut; call it before saving a checkpoint.

        Raises:
            UserError: The disk refused.
        """
        self.metrics.sync()
        self.evaluations.sync()

    def close(self) -> None:
        """Close every file and logger."""
        self.metrics.close()
        self.evaluations.close()
        self._loggers.close(self.status)

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


def _episode_means(record: Mapping[str, Any], prefix: str) -> dict[str, float]:
    """Means over episodes by tag."""
    return {
        f"{prefix}/{record['mode']}/{metric}": math.fsum(values) / len(values)
        for metric, values in record.items()
        if hasattr(values, "__len__") and not isinstance(values, str | Mapping) and len(values) > 0
    }


def _last_step(records: RecordFile) -> int:
    """Environment steps of the last record, -1 without any."""
    return max((int(record["env_steps"]) for record in records.read()), default=-1)
