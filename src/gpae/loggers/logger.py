"""The interface of a logger, and the registry of all loggers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from gpae.registry import Registry

Status = Literal["finished", "stopped", "failed"]
"""The end of a sitting: of the whole run, with more of it to come, or by divergence."""


@dataclass(frozen=True)
class LoggedRun:
    """A run as its loggers see it.

    Attributes:
        folder: Its folder.
        config: Its resolved configuration, plain values by name, nested.
        resume_step: The first environment step that is logged again by a run that is continued;
            None for a new run.
        say: Prints a line for the user.
    """

    folder: Path
    config: Mapping[str, Any]
    resume_step: int | None
    say: Callable[[str], None]

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.resolve().name

    @property
    def task(self) -> str:
        """The task's name, empty where the configuration has none."""
        return str(dict(self.config.get("task") or {}).get("name", ""))

    @property
    def method(self) -> str:
        """The method's name, empty where the configuration has none."""
        return str(dict(self.config.get("method") or {}).get("name", ""))

    @property
    def seed(self) -> int:
        """The seed."""
        return int(self.config.get("seed", 0))

    @property
    def tags(self) -> Sequence[str]:
        """The tags that the user gave the run."""
        return [str(tag) for tag in dict(self.config.get("run") or {}).get("tags", [])]

    def kept_id(self, service: str) -> str | None:
        """The id under which a service knows the run, None where it does not yet."""
        path = self._id_path(service)
        return path.read_text(encoding="utf-8").strip() if path.exists() else None

    def keep_id(self, service: str, given: str) -> None:
        """Keep the id in the run's folder, for the sittings that follow."""
        self._id_path(service).write_text(f"{given}\n", encoding="utf-8")

    def _id_path(self, service: str) -> Path:
        return self.folder / f"{service}_id.txt"


class Logger:
    """Base class of loggers, made anew for each sitting of a run.

    The run goes on without a logger that raises an exception, with one line that says so.

    Args:
        run: The run.

    Attributes:
        packages: Packages that it imports, asked for before the run begins.
        forgets: True if a run that is continued makes it drop what it holds from
            ``run.resume_step`` on. Another logger is not told again what it has been told before.
    """

    packages: ClassVar[tuple[str, ...]] = ()
    forgets: ClassVar[bool] = False

    def __init__(self, run: LoggedRun) -> None:
        self.run = run

    def metrics(self, values: Mapping[str, float], env_steps: int) -> None:
        """Log an update's metrics.

        Args:
            values: Numbers by tag, such as ``train/episode_return``.
            env_steps: Environment steps made so far.
        """

    def evaluation(self, values: Mapping[str, float], env_steps: int) -> None:
        """Log the means of an evaluation, ``evaluation/MODE/METRIC``; as metrics by default."""
        self.metrics(values, env_steps)

    def results(self, values: Mapping[str, float]) -> None:
        """Log the final results, ``absolute/MODE/METRIC``: means of the best parameters."""

    def close(self, status: Status) -> None:
        """Write what is not written yet; the sitting has come to its end."""


LOGGERS: Registry[type[Logger]] = Registry("logger", entry_points="gpae.loggers")
"""The loggers by name."""

register_logger = LOGGERS.register
"""Decorator that makes a subclass of :class:`Logger` available in ``run.loggers``."""
