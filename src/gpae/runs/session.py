"""A training session on run folders: from nothing or checkpoints to the end, or to a stop."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import Any

import jax
from rich.console import Console

from gpae.config.schema import Config
from gpae.console import say, shown
from gpae.environments.host import host_failures
from gpae.errors import DivergedError, MemoryShortageError, UserError
from gpae.methods import Metrics
from gpae.runs.callbacks import Callback, WatchedRun, Watchers
from gpae.runs.deadline import Deadline
from gpae.runs.folder import RunFolder
from gpae.runs.member import ABSOLUTE_EVALUATIONS, Member
from gpae.runs.new_episodes import restore_policy
from gpae.runs.phases import PhaseTimes
from gpae.runs.progress import Display
from gpae.runs.signals import StopRequest
from gpae.runs.system import System
from gpae.training.evaluation import Episodes, join_episodes
from gpae.training.protocol import Budget

EPISODES_AT_ONCE = 1024
"""Most episodes that :func:`evaluate` plays side by side, so that its memory has a limit."""

_SAVES_AT_ONCE = 8

Tracing = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Outcome:
    """End of a session for one run.

    Attributes:
        finished: Whether the run is complete; else a stop was asked for.
        stopped: Whether a stop was asked for; the run may be complete all the same.
        reason: The reason of the stop: a signal's name, or words about the time budget; None
            without a stop.
        update: The number of updates made.
        env_steps: Environment steps made.
        metric: The headline metric's name.
        final: Its mean in the last evaluation, None where there was none.
        absolute: Its mean in the absolute evaluation, None where there was none.
    """

    finished: bool
    stopped: bool
    reason: str | None
    update: int
    env_steps: int
    metric: str
    final: float | None
    absolute: float | None


@dataclass(frozen=True)
class Failure:
    """End of a session for a run that diverged; its folder has the same words.

    Attributes:
        message: What happened, the last good checkpoint and the remedy, in a line.
        exit_code: The exit code that stands for it.
    """

    message: str
    exit_code: int


def train(
    system: System,
    folders: Sequence[RunFolder],
    console: Console,
    *,
    checkpoint: int | None = None,
    tracing: Tracing = nullcontext,
    deadline: Deadline | None = None,
    callbacks: Sequence[Callback] = (),
) -> list[Outcome]:
    """Train until the end or until asked to stop, as :func:`train_each` does.

    Returns:
        The outcome of each run.

    Raises:
        UserError: As by :func:`train_each`.
        DivergedError: A loss, a gradient, a parameter or an evaluation of a run was not finite; the
            others have gone on to the end. The last good checkpoints are kept.
    """
    results = train_each(
        system,
        folders,
        console,
        checkpoint=checkpoint,
        tracing=tracing,
        deadline=deadline,
        callbacks=callbacks,
    )
    for result in results:
        if isinstance(result, Failure):
            raise DivergedError(result.message)
    return [result for result in results if isinstance(result, Outcome)]


def train_each(
    system: System,
    folders: Sequence[RunFolder],
    console: Console,
    *,
    checkpoint: int | None = None,
    tracing: Tracing = nullcontext,
    deadline: Deadline | None = None,
    callbacks: Sequence[Callback] = (),
    until: float | None = None,
) -> list[Outcome | Failure]:
    """Train until the end or until asked to stop; the runs' locks are held meanwhile.

    A run that diverges stops alone.

    Args:
        system: The runs' configuration, made into a runner and an evaluator.
        folders: A folder for each of the system's seeds; existing checkpoints in them are continued
            from.
        console: Where progress is shown.
        checkpoint: Which checkpoint to continue from; the newest when None.
        tracing: The context in which the updates' program is traced. The command line gives
            :func:`gpae.garbage.without_garbage_collection`; a library leaves its host's process
            as it is.
        deadline: When to stop with a checkpoint, as at a signal; never if None.
        callbacks: Callbacks of each of the runs.
        until: Environment steps after which the session ends with a checkpoint, to be continued;
            None for the end of the runs.

    Returns:
        The outcome of each run, or its failure where a loss, a gradient, a parameter or an
        evaluation is not finite; the last good checkpoints are kept.

    Raises:
        MemoryShortageError: The device's memory does not suffice.
        UserError: A folder is in use or cannot be written, or a checkpoint cannot be used.
    """

    def notify(signal: str) -> None:
        say(console, f"{signal}: finishing the current call")

    with ExitStack() as locks, StopRequest(notify, deadline) as stop, _memory_errors():
        for folder in folders:
            locks.enter_context(folder.lock())
        members = [
            Member(system, folder, seed, Watchers(callbacks, WatchedRun(folder.path, seed, stop)))
            for folder, seed in zip(folders, system.seeds, strict=True)
        ]
        return Session(system, members, console, stop, tracing, until).run(checkpoint)


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        with host_failures():
            yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise MemoryShortageError(
            "the device's memory does not suffice: lower rollout.environments, rollout.steps, "
            "window.length, network.hidden_size, evaluation.episodes, method.buffer_size or seeds, "
            "or raise update.minibatches"
        ) from error


class Session:
    """One session on runs whose locks are held: one, or several of a program."""

    def __init__(
        self,
        system: System,
        members: Sequence[Member],
        console: Console,
        stop: StopRequest,
        tracing: Tracing,
        until: float | None = None,
    ) -> None:
        self.system, self.members = system, members
        self.console, self.stop, self.tracing = console, stop, tracing
        self.end = last_update(system.budget, until)
        self.phases = PhaseTimes()
        self.cut_off_mentioned = False

    @property
    def going_on(self) -> list[Member]:
        """The runs that have not ended by an error."""
        return [member for member in self.members if member.failure is None]

    @contextmanager
    def _apart(self, member: Member) -> Iterator[None]:
        """Let what one run diverges by end that run alone."""
        try:
            yield
        except DivergedError as error:
            member.end_by(error)
            if self.going_on:
                self.display.message(f"{error}; the other runs go on")

    def run(self, checkpoint: int | None) -> list[Outcome | Failure]:
        """Continue from a checkpoint, or begin, and train to the end or a stop."""
        state, saved = self._start(checkpoint)
        update = saved or 0
        if not self._complete(update):
            budget = self.system.budget
            with ExitStack() as files:
                self.display = files.enter_context(
                    Display(
                        self.console,
                        budget.updates * budget.env_steps,
                        self.system.metric,
                        update * budget.env_steps,
                    )
                )
                for member in self.members:
                    files.enter_context(member.writer(saved, self.display.message))
                update = self._continue(state, update, saved)
        return [self._outcome(member, update) for member in self.members]

    def _start(self, checkpoint: int | None) -> tuple[Any, int | None]:
        """The state to go on from, and the update of the checkpoints it was read from, if any."""
        for member in self.members:
            member.require_checkpoint(checkpoint)
        saved = self._saved(checkpoint)
        if saved is None:
            self._compile_ahead(0)
            states = [member.begin() for member in self.members]
        else:
            states = [member.restore(saved) for member in self.members]
            for member in self.members:
                member.checkpoints.discard_after(saved)
            self._compile_ahead(saved)
        return self.system.population.join(states), saved

    def _compile_ahead(self, update: int) -> None:
        """Begin to compile updates that are to come, unless their phases run one by one."""
        if update < self.end and not self.system.config.profile:
            with self.tracing():
                self.system.population.compile_ahead()

    def _saved(self, checkpoint: int | None) -> int | None:
        """The update at which all the runs are to go on, None for the beginning."""
        if checkpoint is not None:
            return checkpoint
        latest = [member.checkpoints.latest() for member in self.members]
        if len(set(latest)) > 1:
            places = [
                f"{member.folder.path} at {'none' if update is None else update}"
                for member, update in zip(self.members, latest, strict=True)
            ]
            raise UserError(
                "runs go on together from checkpoints of the same update, and the newest ones are "
                f"{', '.join(places)}: resume each on its own, or name one with --checkpoint"
            )
        return latest[0]

    def _complete(self, update: int) -> bool:
        """True when nothing is left to be done."""
        if self.end < self.system.budget.updates:
            return update >= self.end
        trained = update == self.end
        return trained and not any(member.lacks_absolute for member in self.members)

    def _continue(self, state: Any, update: int, saved: int | None) -> int:
        """Go on to the end or a stop, and say how many updates have been made."""
        self._introduce()
        if saved is None and not self.stop.requested:
            self._evaluate(state, 0)
            self._save(state, 0)
        state, update = self._loop(state, update)
        if update == self.system.budget.updates:
            self._evaluate_absolute()
            for member in self.going_on:
                member.finish()
        if self.system.config.profile:
            env_steps = self.system.budget.env_steps * len(self.members)
            self.phases.show(self.console, env_steps)
        return update

    def _introduce(self) -> None:
        config, budget = self.system.config, self.system.budget
        devices = len(self.system.population.devices)
        self.display.message(
            f"{config.method.name} on {config.task_name}, {self._named()}: {budget.updates:,} "
            f"updates of {budget.env_steps:,} env steps and {budget.gradient_steps} gradient steps "
            f"on {devices} device{'s' * (devices > 1)}"
        )
        for caution in self.system.cautions:
            self.display.message(f"note: {caution}")

    def _named(self) -> str:
        """The runs in words: by their seeds, or only their number where seeds repeat."""
        seeds = [member.seed for member in self.members]
        if len(set(seeds)) < len(seeds):
            return f"{len(seeds)} runs"
        return f"seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"

    def _outcome(self, member: Member, update: int) -> Outcome | Failure:
        if member.failure is not None:
            return Failure(str(member.failure), member.failure.exit_code)
        return Outcome(
            finished=update == self.system.budget.updates,
            stopped=self.stop.requested,
            reason=self.stop.reason,
            update=update,
            env_steps=update * self.system.budget.env_steps,
            metric=self.system.metric,
            final=member.final,
            absolute=member.absolute,
        )

    def _loop(self, state: Any, update: int) -> tuple[Any, int]:
        budget, config = self.system.budget, self.system.config
        most = 1 if config.profile else config.run.updates_per_call
        saved = update
        while update < self.end and self.going_on and not self.stop.requested:
            next_evaluation = _next_due(update, config.evaluation.interval, budget)
            next_save = _next_due(update, config.run.checkpoint_interval, budget)
            count = min(most, next_evaluation - update, next_save - update, self.end - update)
            state, update = self._advance(state, update, count), update + count
            if update == next_evaluation:
                self._evaluate(state, update)
            if update == next_save:
                self._save(state, update)
                saved = update
        if update != saved:
            self._save(state, update)
        return state, update

    def _advance(self, state: Any, update: int, count: int) -> Any:
        started = time.perf_counter()
        self.phases.begin()
        if self.system.config.profile:
            state, metrics = self.system.population.run_phases(state, self.phases.record)
        else:
            state, metrics = self.system.population.run(state, count)
        seconds = time.perf_counter() - started
        rate = count * self.system.budget.env_steps / seconds
        times = {f"time/{name}": seconds for name, seconds in self.phases.last().items()}
        of_members = self.system.population.split_metrics(metrics)
        times["time/steps_per_second"] = rate
        for member in self.going_on:
            number = self.members.index(member)
            with self._apart(member):
                self._record(
                    member,
                    update,
                    of_members[number],
                    times,
                    partial(self._state_of, number, state),
                )
        env_steps = (update + count) * self.system.budget.env_steps
        self.display.advanced(env_steps, rate * len(self.members))
        return state

    def _record(
        self,
        member: Member,
        update: int,
        metrics: Metrics,
        times: Mapping[str, float],
        state: Callable[[], Any],
    ) -> None:
        """Record each update of a call that began after ``update`` of them."""
        for index, values in enumerate(zip(*metrics.values(), strict=True)):
            of_update = dict(zip(metrics, map(float, values), strict=True))
            member.record(update + index + 1, of_update, times, state)

    def _state_of(self, number: int, state: Any) -> Any:
        """One member's part of the joint state, on the host."""
        return jax.device_get(jax.tree.map(itemgetter(number), state))

    def _save(self, state: Any, update: int) -> None:
        """Write a checkpoint of each run that goes on; those of several runs at once."""
        parts = zip(self.members, self.system.population.split(state), strict=True)
        parts_going_on = [(member, part) for member, part in parts if member.failure is None]
        if len(self.members) > 1:
            self._save_at_once(parts_going_on, update)
            return
        for member, part in parts_going_on:
            with self._apart(member):
                member.save(part, update)
                member.tell_of_checkpoint(update)

    def _save_at_once(self, parts: Sequence[tuple[Member, Any]], update: int) -> None:
        with ThreadPoolExecutor(_SAVES_AT_ONCE) as pool:
            saves = [(member, pool.submit(member.save, part, update)) for member, part in parts]
        for member, save in saves:
            with self._apart(member):
                save.result()
                member.tell_of_checkpoint(update)

    def _evaluate(self, state: Any, update: int) -> None:
        members = self.going_on
        if not (members and self.system.config.evaluation.episodes):
            return
        parts = self.system.population.split(state.params)
        params = {id(member): part for member, part in zip(self.members, parts, strict=True)}
        of_members = [params[id(member)] for member in members]
        played = {mode: self._play(members, of_members, update, mode) for mode in self.system.modes}
        for number, member in enumerate(members):
            of_member = {mode: episodes[number] for mode, episodes in played.items()}
            with self._apart(member):
                member.evaluated(of_members[number], update, of_member)
        finals = [shown(member.final) for member in self.members if member.final is not None]
        self.display.evaluated(update * self.system.budget.env_steps, " ".join(finals))
        self._mention_cut_off_episodes()

    def _play(
        self, members: Sequence[Member], params: Sequence[Any], counter: int, mode: str
    ) -> list[Episodes]:
        """Play an evaluation of some members' parameters, in one call where they are several."""
        actors = [of_member["actor"] for of_member in params]
        seeds = [member.seed for member in members]
        evaluator, greedy = self.system.evaluator, mode == "greedy"
        if len(self.members) == 1:
            return [evaluator.evaluate(actors[0], seeds[0], counter, greedy=greedy)]
        return evaluator.evaluate_each(
            actors, seeds, counter, greedy=greedy, lanes=len(self.members)
        )

    def _mention_cut_off_episodes(self) -> None:
        """Say, the first time, that evaluation episodes were cut off."""
        count = sum(member.cut_off for member in self.members)
        if count and not self.cut_off_mentioned:
            self.display.message(
                f"note: {count} evaluation episodes were cut off after "
                f"{self.system.evaluator.longest} steps without an end (evaluation.max_steps)"
            )
            self.cut_off_mentioned = True

    def _evaluate_absolute(self) -> None:
        episodes = ABSOLUTE_EVALUATIONS * self.system.config.evaluation.episodes
        members = [member for member in self.going_on if member.lacks_absolute]
        if not members:
            return
        updates = ", ".join(str(int(member.best.update)) for member in members)
        self.display.message(
            f"evaluating the best parameters, of update {updates}, on {episodes:,} episodes"
        )
        first, best = self.system.budget.updates + 1, [member.best.params for member in members]
        parts = [
            self._play(members, best, first + part, self.system.modes[0])
            for part in range(ABSOLUTE_EVALUATIONS)
        ]
        for number, member in enumerate(members):
            with self._apart(member):
                member.evaluated_absolutely([part[number] for part in parts])


def last_update(budget: Budget, until: float | None) -> int:
    """The last update of a run, or the first one to reach ``until`` env steps."""
    return (
        budget.updates if until is None else min(budget.updates, -(-int(until) // budget.env_steps))
    )


def _next_due(update: int, interval: float, budget: Budget) -> int:
    """The first update after ``update`` to reach a multiple of ``interval`` env steps."""
    passed = math.floor(update * budget.env_steps / interval)
    return min(math.ceil((passed + 1) * interval / budget.env_steps), budget.updates)


def evaluate(
    config: Config,
    folder: RunFolder,
    *,
    episodes: int,
    greedy: bool,
    best: bool,
    checkpoint: int | None,
    seed: int,
) -> tuple[Episodes, int]:
    """Play new episodes with a run's parameters; writes nothing.

    Args:
        config: The run's configuration.
        folder: The run's folder.
        episodes: How many to play.
        greedy: Take the most likely actions; else sample.
        best: Use the parameters of the best evaluation so far, not the checkpoint's own.
        checkpoint: Which checkpoint; the newest when None.
        seed: From which the episodes' keys follow.

    Returns:
        One number an episode and outcome, and the update the parameters are of.

    Raises:
        UserError: There is no checkpoint, or it cannot be used; or the method has no policy to
            sample from.
    """
    policy = restore_policy(config, folder, greedy=greedy, best=best, checkpoint=checkpoint)
    parts = -(-episodes // EPISODES_AT_ONCE)
    evaluator = replace(policy.system.evaluator, episodes=-(-episodes // parts))
    played = [
        evaluator.evaluate(
            policy.params["actor"], seed, policy.unused_counter + part, greedy=greedy
        )
        for part in range(parts)
    ]
    results = {name: values[:episodes] for name, values in join_episodes(played).items()}
    return results, policy.update
