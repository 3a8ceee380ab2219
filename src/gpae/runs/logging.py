"""The loggers of one sitting of a run: told of everything, and left out once they fail."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gpae.console import complain
from gpae.loggers import LOGGERS, LoggedRun, Logger, Status, require_packages

DEFAULT = ("tensorboard",)
"""The loggers of a run whose configuration names none, as of older versions."""

_LONGEST_CAUSE = 300


@dataclass(frozen=True)
class Logged:
    """Environment steps up to which earlier sittings have logged; -1 for nothing.

    Attributes:
        metrics: Of the updates' metrics.
        evaluations: Of the evaluations.
    """

    metrics: int = -1
    evaluations: int = -1


class Loggers:
    """The loggers of one run; the run goes on without one that raises an exception.

    Args:
        run: The run, as its loggers see it.
        logged: What earlier sittings have logged.

    Raises:
        UserError: There is no such logger, or its package is not installed.
    """

    def __init__(self, run: LoggedRun, logged: Logged) -> None:
        self._run, self._logged = run, logged
        self._on: dict[str, Logger] = {}
        names = logger_names(run.config)
        require_packages(names)
        for name in names:
            try:
                self._on[name] = LOGGERS[name](run)
            except Exception as error:
                self._say_failed(name, error)

    def metrics(self, values: Mapping[str, float], env_steps: int) -> None:
        """Tell of an update's metrics."""
        self._tell(lambda logger: logger.metrics(values, env_steps), env_steps, logged="metrics")

    def evaluation(self, values: Mapping[str, float], env_steps: int) -> None:
        """Tell of an evaluation's means."""
        self._tell(
            lambda logger: logger.evaluation(values, env_steps), env_steps, logged="evaluations"
        )

    def results(self, values: Mapping[str, float]) -> None:
        """Tell of the final results."""
        self._tell(lambda logger: logger.results(values))

    def close(self, status: Status) -> None:
        """Close every logger."""
        self._tell(lambda logger: logger.close(status))
        self._on.clear()

    def _tell(
        self, tell: Callable[[Logger], None], env_steps: int | None = None, logged: str = ""
    ) -> None:
        """Tell every logger that has not been told of these environment steps before."""
        is_old = env_steps is not None and env_steps <= getattr(self._logged, logged)
        for name, logger in list(self._on.items()):
            if is_old and not logger.forgets:
                continue
            try:
                tell(logger)
            except Exception as error:
                del self._on[name]
                self._say_failed(name, error)

    def _say_failed(self, name: str, error: Exception) -> None:
        cause = " ".join(str(error).split())[:_LONGEST_CAUSE] or type(error).__name__
        self._run.say(f"warning: the logger {name} has failed and is off: {cause}")


def logger_names(config: Mapping[str, Any]) -> Sequence[str]:
    """The loggers that a run's configuration names."""
    settings = config.get("run")
    named = settings.get("loggers") if isinstance(settings, Mapping) else None
    return DEFAULT if named is None else [str(name) for name in named]


def say_on_stderr(text: str) -> None:
    """Print a line on standard error, for a run that has no display."""
    complain(f"gpae: {text}")
