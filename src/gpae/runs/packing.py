"""Runs trained together where they share a program, and the others one after another."""

from collections.abc import Iterator, Sequence

from rich.console import Console

from gpae.config.schema import Config
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.deadline import Deadline
from gpae.runs.devices import prepare_jax
from gpae.runs.folder import RunFolder, config_differences
from gpae.runs.memory import check_memory
from gpae.runs.session import Outcome, train
from gpae.runs.system import System

Run = tuple[Config, RunFolder]


def train_packed(
    runs: Sequence[Run], console: Console, deadline: Deadline | None = None
) -> list[Outcome]:
    """Train runs until the end, a stop or a deadline; those that differ in seeds alone together.

    Args:
        runs: Each run's configuration and folder; an existing checkpoint in it is continued from.
        console: Where progress is shown.
        deadline: When to stop with checkpoints.

    Returns:
        The outcomes of the runs that were begun, in their order.

    Raises:
        UserError: As :func:`gpae.runs.session.train`.
        DivergedError: Likewise; runs that were not begun yet stay so.
    """
    outcomes: dict[int, Outcome] = {}
    for together in _packs(runs):
        if deadline is not None and deadline.passed:
            break
        chosen = [runs[place] for place in together]
        ended = _train_together(chosen, console, deadline)
        outcomes |= dict(zip(together, ended, strict=True))
        if ended[0].stopped:
            break
    return [outcomes[place] for place in sorted(outcomes)]


def _packs(runs: Sequence[Run]) -> Iterator[list[int]]:
    """Places of runs that are equal but for their seeds and have come equally far."""
    rest = list(range(len(runs)))
    while rest:
        first = rest[0]
        pack = [place for place in rest if _alike(runs[first][1], runs[place][1])]
        rest = [place for place in rest if place not in pack]
        yield pack


def _alike(one: RunFolder, other: RunFolder) -> bool:
    seedless = [{**each.config, "seed": None} for each in (one, other)]
    newest = [Checkpoints(each.checkpoints_path).latest() for each in (one, other)]
    return newest[0] == newest[1] and not config_differences(*seedless)


def _train_together(
    runs: Sequence[Run], console: Console, deadline: Deadline | None
) -> list[Outcome]:
    config = runs[0][0]
    prepare_jax(config.run.devices, len(runs), config.task_name)
    system = System(config, [each.seed for each, _ in runs])
    system.check_environment()
    check_memory(system.population, len(runs))
    return train(system, [folder for _, folder in runs], console, deadline=deadline)
