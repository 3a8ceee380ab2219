"""Trainings that take turns, so that a machine that slowly changes its pace treats all alike."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from gpae.bench.documents import write_document
from gpae.bench.timing import timed
from gpae.config.compose import compose
from gpae.runs.devices import prepare_jax


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

        self._runner = System(config).runner
        self._state: Any = self._runner.initial_state(config.seed)

    @property
    def devices(self) -> list[str]:
        """The kinds of the devices it is split over."""
        return [device.device_kind for device in self._runner.devices]

    def update(self) -> float:
        """Make an update, and say how many seconds it took."""
        seconds, (self._state, *_) = timed(partial(self._runner.run, self._state, 1))
        return seconds


def alternate(
    trainings: Mapping[str, Training], rounds: int, document: dict[str, Any], output: Path
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
