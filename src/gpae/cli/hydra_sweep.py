"""Sweeps of ``gpae train`` by Hydra's launchers and sweepers."""

import math
import statistics
from collections.abc import Callable
from typing import TYPE_CHECKING

from gpae.cli.new_runs import train_new
from gpae.cli.output import complain, say
from gpae.errors import DivergedError

if TYPE_CHECKING:
    from gpae.config.schema import Config


class _BudgetSpent(KeyboardInterrupt):
    """The end of a sweep's time budget; nothing that Hydra catches, so that it ends the sweep."""


def sweep_with_hydra(overrides: list[str], train_job: Callable[[list[str]], float]) -> int:
    """Sweep as Hydra's plugins say.

    Args:
        overrides: The words of the command line.
        train_job: Trains one job's runs; its result is NaN if one of them diverged.

    Returns:
        The exit code.
    """
    from gpae.runs.sweeps import sweep

    try:
        results = sweep(overrides, train_job)
    except _BudgetSpent:
        return 0
    return DivergedError.exit_code if any(map(math.isnan, results)) else 0


def train_job(make: "Callable[[list[str]], Config]", begun: float, overrides: list[str]) -> float:
    """Train the runs of one Hydra job, and return the mean of their final headline metrics.

    The mean is NaN if a run diverged. A requested stop raises KeyboardInterrupt, which ends Hydra's
    sweep, and so does a budget that is spent.
    """
    from gpae.console import OutputConsole
    from gpae.runs.deadline import Deadline

    config, console = make(overrides), OutputConsole()
    deadline = Deadline.of(config.run.budget, begun)
    if deadline is not None and deadline.passed:
        say(console, f"{deadline.reason}: not begun: {' '.join(overrides)}")
        raise _BudgetSpent
    try:
        outcomes = train_new(config, console, deadline)
    except DivergedError as error:
        complain(str(error))
        return math.nan
    if outcomes[0].stopped:
        raise _BudgetSpent if deadline is not None and deadline.passed else KeyboardInterrupt
    return statistics.fmean(outcome.final or 0.0 for outcome in outcomes)
