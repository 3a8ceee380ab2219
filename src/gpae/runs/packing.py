"""Runs packed into populations: those that share a program are made together.

Runs share a program where they differ in nothing but seeds and numeric settings
(:func:`gpae.fields.data_of`). They go on together from the same update, each over as many devices
as alone, so that a run's results do not depend on its company. :mod:`gpae.runs.population_size`
has the rule by which their number is chosen.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace

from rich.console import Console

from gpae.config.compose import to_dict
from gpae.config.schema import Config
from gpae.console import say
from gpae.errors import MemoryShortageError
from gpae.runs.deadline import Deadline
from gpae.runs.devices import prepare_jax
from gpae.runs.folder import RunFolder
from gpae.runs.member import Member
from gpae.runs.memory import check_memory
from gpae.runs.population_size import Size, population_size
from gpae.runs.session import Failure, Outcome, Tracing, last_update, train_each
from gpae.runs.system import System, numbers_of

Result = Outcome | Failure


@dataclass(frozen=True, eq=False)
class Run:
    """A run to be made.

    Attributes:
        number: Its place among all that were asked for.
        config: Its configuration, of one seed.
        folder: Its folder, new or with checkpoints.
    """

    number: int
    config: Config
    folder: RunFolder


def train_packed(
    runs: Sequence[tuple[Config, RunFolder]],
    console: Console,
    *,
    deadline: Deadline | None = None,
    tracing: Tracing = nullcontext,
    population: str | None = None,
    on_end: Callable[[dict[int, Result]], None] = lambda results: None,
    until: float | None = None,
) -> list[Result]:
    """Train runs, together where they share a program, each in its own folder.

    A run goes on from its newest checkpoint, and one that is complete is left alone. A run that
    diverges stops alone. Where the memory does not suffice for a population, half of it is tried.

    Args:
        runs: A configuration, of one seed, and a folder for each.
        console: Where progress is shown.
        deadline: When to stop with checkpoints, as at a signal; never if None.
        tracing: As for :func:`gpae.runs.session.train`.
        population: The most runs together, ``auto`` or a number; each configuration's
            ``run.population`` if None.
        on_end: Called with the results of some runs, by their places, as soon as they end.
        until: As for :func:`gpae.runs.session.train_each`.

    Returns:
        Each run's outcome, or its failure if it diverged. After a stop, runs that were not begun
        have an outcome that is not finished.

    Raises:
        UserError: An environment is faulty, a folder is in use or cannot be written, a checkpoint
            cannot be used, or the device's memory does not even suffice for one run.
    """
    numbered = [Run(number, config, folder) for number, (config, folder) in enumerate(runs)]
    results: dict[int, Result] = {}
    for alike in group_runs(numbered):
        group = Group(alike, console, deadline, tracing, population, until)
        for ended in group.train(_stopped(results)):
            results |= ended
            on_end(ended)
    return [results[run.number] for run in numbered]


def group_runs(runs: Sequence[Run]) -> list[list[Run]]:
    """Runs by the program that they share, in the order of the first of each."""
    groups: dict[str, list[Run]] = {}
    for run in runs:
        groups.setdefault(static_part(run.config), []).append(run)
    return list(groups.values())


def static_part(config: Config) -> str:
    """All that a run's program depends on: its settings but for seed, place and numeric ones."""
    values = to_dict(config)
    del values["seed"]
    for name in numbers_of(config):
        group, _, setting = name.rpartition(".")
        del (values[group] if group else values)[setting]
    return json.dumps(values, sort_keys=True)


def prepare_runs(configs: Sequence[Config], console: Console) -> None:
    """Check runs before any of them is written, and settle the devices of each.

    Args:
        configs: Their configurations; ``run.devices`` becomes the number that a run alone is split
            over.
        console: Where what each program keeps in memory is said.

    Raises:
        UserError: An environment is faulty, the memory does not suffice, or ``initial_params``
            cannot be used.
    """
    alike: dict[str, list[Config]] = {}
    for config in configs:
        alike.setdefault(static_part(config), []).append(config)
    for same in alike.values():
        system = _system_alone(same[0])
        system.check()
        system.check_initial_params()
        say(console, check_memory(system.population))
        for config in same:
            config.run.devices = system.population.devices_a_run


@dataclass(frozen=True)
class Group:
    """Runs that share a program.

    Attributes:
        runs: The runs.
        console: Where progress is shown.
        deadline: When to stop.
        tracing: The context of tracing.
        population: The most runs together; the setting of the first where None.
        until: Environment steps at which the runs end for now; None for their end.
    """

    runs: list[Run]
    console: Console
    deadline: Deadline | None
    tracing: Tracing
    population: str | None
    until: float | None = None
    _systems: dict[int, System] = field(default_factory=dict, init=False, repr=False)

    def train(self, stopped: bool) -> Iterator[dict[int, Result]]:
        """Make the runs, and give the results of some of them as they end.

        Args:
            stopped: True if a stop was asked for before: then nothing is begun.
        """
        alone = _system_alone(self.runs[0].config)
        alone.check()
        self._note_devices(alone)
        updates = {run.number: self._update(alone, run) for run in self.runs}
        left = [run for run in self.runs if not self._has_ended(alone, run)]
        if len(left) < len(self.runs):
            yield self._as_they_are(alone, [run for run in self.runs if run not in left])
        size = self._size(alone, len(left)) if left else 0
        devices = alone.population.devices_a_run
        while left:
            if stopped or self._is_over:
                yield self._as_they_are(alone, left, stopped=True)
                return
            furthest = max(updates[run.number] for run in left)
            pack = [run for run in left if updates[run.number] == furthest][:size]
            try:
                results = self._train_together(pack, devices)
            except MemoryShortageError:
                if len(pack) == 1:
                    raise
                size = len(pack) // 2
                updates |= {run.number: self._update(alone, run) for run in pack}
                say(self.console, f"memory does not suffice: {size} together from now on")
                continue
            left = [run for run in left if run not in pack]
            stopped = _stopped(results)
            yield results

    def _note_devices(self, alone: System) -> None:
        """Say if runs were split over another number of devices when they began."""
        before, now = self.runs[0].config.run.devices, alone.population.devices_a_run
        if before not in (0, now):
            say(self.console, f"note: may not continue bit for bit: devices: {before} -> {now}")

    @property
    def _is_over(self) -> bool:
        return self.deadline is not None and self.deadline.passed

    def _size(self, alone: System, left: int) -> int:
        """The number of runs to be made together, said if there is a choice."""
        asked = self.population or self.runs[0].config.run.population
        size: Size = population_size(alone, left, asked)
        if left > 1:
            say(self.console, f"{left} runs share a program: {size.reason}")
        return size.runs

    def _train_together(self, pack: Sequence[Run], devices: int) -> dict[int, Result]:
        """Train some runs in a population, each over so many devices."""
        results = train_each(
            self._system_of(pack, devices),
            [run.folder for run in pack],
            self.console,
            tracing=self.tracing,
            deadline=self.deadline,
            until=self.until,
        )
        return {run.number: result for run, result in zip(pack, results, strict=True)}

    def _system_of(self, pack: Sequence[Run], devices: int) -> System:
        """The system of some runs; as many after them share what is compiled."""
        seeds = [run.config.seed for run in pack]
        numbers = [numbers_of(run.config) for run in pack]
        if len(pack) in self._systems:
            return self._systems[len(pack)].for_other_runs(seeds, numbers)
        config = pack[0].config
        config = replace(config, run=replace(config.run, devices=devices))
        with self.tracing():
            made = self._systems[len(pack)] = System(config, seeds, numbers)
        return made

    def _update(self, system: System, run: Run) -> int:
        """The update of the newest checkpoint, -1 where there is none."""
        latest = _member(system, run).checkpoints.latest()
        return -1 if latest is None else latest

    def _has_ended(self, system: System, run: Run) -> bool:
        """True where nothing is left to be done, for now."""
        end = last_update(system.budget, self.until)
        if end < system.budget.updates:
            return self._update(system, run) >= end
        return self._is_complete(system, run)

    def _is_complete(self, system: System, run: Run) -> bool:
        member = _member(system, run)
        member.recall()
        complete = member.checkpoints.latest() == system.budget.updates
        return complete and not member.lacks_absolute

    def _as_they_are(
        self, system: System, runs: Sequence[Run], *, stopped: bool = False
    ) -> dict[int, Result]:
        """The outcomes of runs that are left alone."""
        return {run.number: self._as_it_is(system, run, stopped) for run in runs}

    def _as_it_is(self, system: System, run: Run, stopped: bool) -> Outcome:
        member, update = _member(system, run), max(0, self._update(system, run))
        member.recall()
        return Outcome(
            finished=self._is_complete(system, run),
            stopped=stopped,
            reason=self.deadline.reason if stopped and self.deadline and self._is_over else None,
            update=update,
            env_steps=update * system.budget.env_steps,
            metric=system.metric,
            final=member.final,
            absolute=member.absolute,
        )


def _member(system: System, run: Run) -> Member:
    return Member(system, run.folder, run.config.seed)


def _system_alone(config: Config) -> System:
    """The system of one run, with JAX prepared for it and for others beside it."""
    prepare_jax(config.run.devices, 2, config.task_name)
    return System(config)


def _stopped(results: dict[int, Result]) -> bool:
    return any(isinstance(result, Outcome) and result.stopped for result in results.values())
