"""A training session on a run folder: from nothing or a checkpoint to the end, or to a stop."""

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from gpae.config.schema import Config
from gpae.errors import DivergedError, UserError
from gpae.methods import Q_METHODS
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.folder import RunFolder
from gpae.runs.metrics import MetricsWriter
from gpae.runs.phases import PhaseTimes
from gpae.runs.progress import Display, say
from gpae.runs.records import RecordFile
from gpae.runs.signals import StopRequest
from gpae.runs.system import Best, Snapshot, System
from gpae.training.collection import EpisodeTotals
from gpae.training.evaluation import Episodes
from gpae.training.protocol import Budget, Scalars

ABSOLUTE_EVALUATIONS = 10
"""The absolute metric is of ten times an evaluation's episodes."""

_NAMES_SHOWN = 3


@dataclass(frozen=True)
class Outcome:
    """How a session ended.

    Attributes:
        finished: Whether the run is complete; else a stop was asked for.
        update: The number of updates made.
        env_steps: Environment steps made.
        metric: The headline metric's name.
        final: Its mean in the last evaluation, None where there was none.
        absolute: Its mean in the absolute evaluation, None where there was none.
    """

    finished: bool
    update: int
    env_steps: int
    metric: str
    final: float | None
    absolute: float | None


def train(
    system: System, folder: RunFolder, console: Console, *, checkpoint: int | None = None
) -> Outcome:
    """Train until the end or until asked to stop; the run's lock is held meanwhile.

    Args:
        system: The run's configuration, made into a runner and an evaluator.
        folder: The run's folder; an existing checkpoint in it is continued from.
        console: Where progress is shown.
        checkpoint: Which checkpoint to continue from; the newest when None.

    Raises:
        UserError: The folder is in use or cannot be written, the checkpoint cannot be used, or the
            device's memory does not suffice.
        DivergedError: A loss, a gradient, a parameter or an evaluation is not finite; the last good
            checkpoint is kept.
    """

    def notify(signal: str) -> None:
        say(console, f"{signal}: finishing the update")

    with folder.lock(), StopRequest(notify) as stop, _memory_errors():
        return Session(system, folder, console, stop).run(checkpoint)


@contextmanager
def _memory_errors() -> Iterator[None]:
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        raise UserError(
            "the device's memory does not suffice: lower rollout.environments, rollout.steps, "
            "network.hidden_size, evaluation.episodes or method.buffer_size, or raise "
            "update.minibatches"
        ) from error


class Session:
    """One session on a run folder whose lock is held."""

    def __init__(
        self, system: System, folder: RunFolder, console: Console, stop: StopRequest
    ) -> None:
        self.system, self.folder, self.console, self.stop = system, folder, console, stop
        self.checkpoints = Checkpoints(folder.checkpoints_path, system.config.run.keep_checkpoints)
        self.phases = PhaseTimes()
        self.final: float | None = None
        self.absolute: float | None = None

    def run(self, checkpoint: int | None) -> Outcome:
        """Continue from a checkpoint, or begin, and go on to the end or a stop."""
        snapshot, saved = self._start(checkpoint)
        update = saved or 0
        if not self._complete(update):
            budget = self.system.budget
            with (
                MetricsWriter(self.folder, self._rewind_to(saved)) as writer,
                Display(
                    self.console,
                    budget.updates * budget.env_steps,
                    self.system.metric,
                    update * budget.env_steps,
                ) as display,
            ):
                self.writer, self.display = writer, display
                update = self._continue(snapshot, update, saved)
        return self._outcome(update)

    def _start(self, checkpoint: int | None) -> tuple[Snapshot, int | None]:
        """The state to go on from, and the update of the checkpoint it was read from, if any."""
        if self.checkpoints.latest() is None:
            if checkpoint is not None:
                raise UserError(f"{self.folder.path} has no checkpoint {checkpoint}, nor any other")
            return self.system.initial_snapshot(), None
        restored: Any = self.checkpoints.restore(self.system.snapshot_shapes(), checkpoint)
        update = int(restored.state.update)
        self.checkpoints.discard_after(update)
        self._recall_evaluations(update)
        return restored.replace(state=self.system.runner.place(restored.state)), update

    def _rewind_to(self, saved: int | None) -> int | None:
        """The update after which records are dropped: all of them where there is no checkpoint."""
        if saved is not None:
            return saved
        begun = self.folder.metrics_path.exists() or self.folder.evaluations_path.exists()
        return -1 if begun else None

    def _complete(self, update: int) -> bool:
        """Whether nothing is left to be done."""
        trained = update == self.system.budget.updates
        return trained and (self.absolute is not None or not self.system.config.evaluation.absolute)

    def _continue(self, snapshot: Snapshot, update: int, saved: int | None) -> int:
        """Go on to the end or a stop, and say how many updates have been made."""
        self._introduce()
        if saved is None and not self.stop.requested:
            snapshot = self._evaluate(snapshot, 0)
            self._save(snapshot, 0)
        snapshot, update = self._loop(snapshot, update)
        if update == self.system.budget.updates:
            self._evaluate_absolute(snapshot.best)
        if self.system.config.profile:
            self.phases.show(self.console, self.system.budget.env_steps)
        return update

    def _introduce(self) -> None:
        config, budget = self.system.config, self.system.budget
        devices = len(self.system.runner.devices)
        self.display.message(
            f"{config.method.name} on {config.task_name}, seed {config.seed}: {budget.updates:,} "
            f"updates of {budget.env_steps:,} env steps and {budget.gradient_steps} gradient steps "
            f"on {devices} device{'s' * (devices > 1)}"
        )
        for caution in self.system.cautions:
            self.display.message(f"note: {caution}")

    def _outcome(self, update: int) -> Outcome:
        return Outcome(
            finished=update == self.system.budget.updates,
            update=update,
            env_steps=update * self.system.budget.env_steps,
            metric=self.system.metric,
            final=self.final,
            absolute=self.absolute,
        )

    def _recall_evaluations(self, update: int) -> None:
        for record in RecordFile(self.folder.evaluations_path).read():
            if record["update"] <= update:
                self._remember(record)

    def _remember(self, record: dict[str, Any]) -> None:
        if record["mode"] == self.system.modes[0]:
            score = float(np.mean(record[self.system.metric], dtype=np.float64))
            if record["absolute"]:
                self.absolute = score
            else:
                self.final = score

    def _loop(self, snapshot: Snapshot, update: int) -> tuple[Snapshot, int]:
        budget, config = self.system.budget, self.system.config
        most = 1 if config.profile else config.run.updates_per_call
        saved = update
        while update < budget.updates and not self.stop.requested:
            next_evaluation = _next_due(update, config.evaluation.interval, budget)
            next_save = _next_due(update, config.run.checkpoint_interval, budget)
            count = min(most, next_evaluation - update, next_save - update)
            state = self._advance(snapshot.state, update, count)
            snapshot, update = replace(snapshot, state=state), update + count
            if update == next_evaluation:
                snapshot = self._evaluate(snapshot, update)
            if update == next_save:
                self._save(snapshot, update)
                saved = update
        if update != saved:
            self._save(snapshot, update)
        return snapshot, update

    def _advance(self, state: Any, update: int, count: int) -> Any:
        started = time.perf_counter()
        self.phases.begin()
        if self.system.config.profile:
            state, totals, scalars = self.system.runner.run_phases(state, self.phases.record)
        else:
            state, totals, scalars = self.system.runner.run(state, count)
        seconds = time.perf_counter() - started
        rate = count * self.system.budget.env_steps / seconds
        times = {f"time/{name}": seconds for name, seconds in self.phases.last().items()}
        for index in range(count):
            record = self._metrics_record(update + index + 1, totals, scalars, index)
            self._require_finite(record, update + index + 1)
            self.writer.write({**record, "time/steps_per_second": rate, **times})
        self.display.advanced((update + count) * self.system.budget.env_steps, rate)
        return state

    def _metrics_record(
        self, update: int, totals: EpisodeTotals, scalars: Scalars, index: int
    ) -> dict[str, float]:
        count = float(totals.count[index])
        episodes = {
            f"train/{name}": float(value[index]) / count
            for name, value in totals.sums.items()
            if count
        }
        return {
            **self._counters(update),
            "train/episodes": count,
            **episodes,
            **{name: float(value[index]) for name, value in scalars.items()},
        }

    def _counters(self, update: int) -> dict[str, int]:
        budget = self.system.budget
        return {
            "update": update,
            "env_steps": update * budget.env_steps,
            "gradient_steps": budget.gradient_steps_after(update),
        }

    def _require_finite(self, values: Mapping[str, float], update: int) -> None:
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if not broken:
            return
        more = f" and {len(broken) - _NAMES_SHOWN} more" if len(broken) > _NAMES_SHOWN else ""
        kept = self.checkpoints.latest()
        raise DivergedError(
            f"training has diverged: {', '.join(broken[:_NAMES_SHOWN])}{more} not finite at update "
            f"{update}; {self.folder.path} has "
            + ("no checkpoint yet" if kept is None else f"checkpoint {kept}, the last good one")
            + "; try a smaller update.learning_rate or update.max_gradient_norm"
        )

    def _save(self, snapshot: Snapshot, update: int) -> None:
        """Write a checkpoint, unless it would be of no use."""
        host = jax.device_get(snapshot)
        leaves = jax.tree.leaves((host.state.parameters, host.state.optimisers))
        sound = all(np.isfinite(leaf).all() for leaf in leaves)
        self._require_finite({"parameters": 0.0 if sound else math.nan}, update)
        self.writer.sync()
        self.checkpoints.save(update, host)

    def _evaluate(self, snapshot: Snapshot, update: int) -> Snapshot:
        parameters = snapshot.state.parameters
        for mode in self.system.modes:
            episodes = self.system.evaluator.evaluate(
                parameters.actor, self.system.config.seed, update, greedy=mode == "greedy"
            )
            self._record_evaluation(update, mode, episodes, absolute=False)
        assert self.final is not None
        self.display.evaluated(update * self.system.budget.env_steps, f"{self.final:.3f}")
        score = jnp.float32(self.final)
        if score <= snapshot.best.score:
            return snapshot
        best = Best(
            score=score,
            update=jnp.int32(update),
            parameters=jax.tree.map(np.array, parameters),
        )
        return replace(snapshot, best=best)

    def _evaluate_absolute(self, best: Best) -> None:
        if self.absolute is not None or not self.system.config.evaluation.absolute:
            return
        count = ABSOLUTE_EVALUATIONS * self.system.config.evaluation.episodes
        self.display.message(
            f"evaluating the best parameters, of update {int(best.update)}, on {count:,} episodes"
        )
        greedy = self.system.modes[0] == "greedy"
        first = self.system.budget.updates + 1
        parts = [
            self.system.evaluator.evaluate(
                best.parameters.actor, self.system.config.seed, first + part, greedy=greedy
            )
            for part in range(ABSOLUTE_EVALUATIONS)
        ]
        episodes = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        self._record_evaluation(
            self.system.budget.updates, self.system.modes[0], episodes, absolute=True
        )

    def _record_evaluation(
        self, update: int, mode: str, episodes: Episodes, *, absolute: bool
    ) -> None:
        means = {f"evaluation/{mode}/{name}": values.mean() for name, values in episodes.items()}
        self._require_finite(means, update)
        record = {
            **self._counters(update),
            "mode": mode,
            "absolute": absolute,
            "episodes": len(episodes["episode_return"]),
            **{name: np.round(values, 6) for name, values in episodes.items()},
        }
        self.writer.write_evaluation(record)
        self._remember(record)


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
    if not greedy and config.method.name in Q_METHODS:
        raise UserError(f"{config.method.name} acts greedily: there is nothing to sample")
    checkpoints = Checkpoints(folder.checkpoints_path)
    if checkpoints.latest() is None:
        raise UserError(f"{folder.path} has no checkpoint to evaluate yet")
    system = System(config)
    snapshot: Any = checkpoints.restore(system.snapshot_shapes(), checkpoint)
    source = snapshot.best if best else snapshot.state
    evaluator = replace(system.evaluator, episodes=episodes)
    unused = system.budget.updates + ABSOLUTE_EVALUATIONS + 1
    results = evaluator.evaluate(source.parameters.actor, seed, unused, greedy=greedy)
    return results, int(source.update)
