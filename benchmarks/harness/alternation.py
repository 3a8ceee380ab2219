"""Trainings that take turns, so that a machine that slowly changes its pace treats all alike."""

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol, TypeVar

from benchmarks.harness.documents import write_document
from benchmarks.harness.timing import timed
from gpae.config.compose import compose
from gpae.errors import UserError
from gpae.runs.devices import prepare_jax

Told = TypeVar("Told")


class Trainable(Protocol):
    """An updater that takes turns with others."""

    @property
    def devices(self) -> list[str]:
        """The kinds of the devices it is split over."""

    def update(self) -> float:
        """Make an update, and say how many seconds it took."""


class Training:
    """A run in memory, an update at a time.

    Args:
        overrides: The configuration, in Hydra's syntax.

    Raises:
        UserError: The configuration cannot be.
    """

    def __init__(self, overrides: list[str]) -> None:
        config = compose(overrides)
        prepare_jax(config.run.devices)
        from gpae.runs.system import System

        self._population = System(config).population
        self._state: Any = self._population.initial_state(config.seed)

    @property
    def devices(self) -> list[str]:
        """The kinds of the devices it is split over."""
        return [device.device_kind for device in self._population.devices]

    def update(self) -> float:
        """Make an update, and say how many seconds it took."""
        seconds, (self._state, *_) = timed(partial(self._population.run, self._state, 1))
        return seconds


class TrainingProcess(AbstractContextManager["TrainingProcess"]):
    """A training in a process of its own, as runs are, until it is closed.

    In one process, how fast a program is depends on what was compiled there before it.

    Args:
        make: What makes the training, there; it can be pickled.

    Raises:
        UserError: Of what makes it, or its process was killed.
    """

    def __init__(self, make: Callable[[], Trainable]) -> None:
        self._process = ProcessPoolExecutor(1, get_context("spawn"))
        try:
            self.devices = self._told(_make, make)
        except BaseException:
            self._process.shutdown()
            raise

    def update(self) -> float:
        """Make an update, and say how many seconds it took there.

        Raises:
            UserError: Its process was killed.
        """
        return self._told(_update)

    def _told(self, function: Callable[..., Told], *arguments: Any) -> Told:
        """The result of a function called there."""
        try:
            return self._process.submit(function, *arguments).result()
        except BrokenProcessPool as error:
            raise UserError(
                "the process of a training was killed, as where memory does not suffice: "
                "measure fewer at once, or smaller ones"
            ) from error

    def __exit__(self, *_: object) -> None:
        """End the process."""
        self._process.shutdown()


@contextmanager
def training_processes(
    makers: Mapping[str, Callable[[], Trainable]],
) -> Iterator[dict[str, TrainingProcess]]:
    """A :class:`TrainingProcess` for each maker, by name, until all are closed."""
    with ExitStack() as opened:
        yield {name: opened.enter_context(TrainingProcess(make)) for name, make in makers.items()}


_made: list[Trainable] = []
"""In a training's process, the training."""


def _make(make: Callable[[], Trainable]) -> list[str]:
    _made.append(make())
    return _made[0].devices


def _update() -> float:
    return _made[0].update()


def alternate(
    trainings: Mapping[str, Trainable], rounds: int, document: dict[str, Any], output: Path
) -> None:
    """Time an update of each in every round; in every round another one begins.

    Args:
        trainings: Warm ones, by name.
        rounds: How many rounds.
        document: What is given ``seconds``, by name one number a round, and ``devices``, by name
            the kinds of those each is split over.
        output: Where it is written after each round.

    Raises:
        UserError: The disk refused.
    """
    names = list(trainings)
    document["devices"] = {name: trainings[name].devices for name in names}
    document["seconds"] = {name: [] for name in names}
    for number in range(rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            document["seconds"][name].append(trainings[name].update())
        write_document(output, document)
