"""A training session on a run folder: from nothing or a checkpoint to the end, or to a stop."""

import math
import time
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Float, Int
from rich.console import Console

from gpae.config.schema import Config
from gpae.environments import make
from gpae.errors import DivergedError, UserError
from gpae.networks import NetworkSettings
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.folder import RunFolder
from gpae.runs.metrics import MetricsWriter
from gpae.runs.phases import PhaseTimes
from gpae.runs.progress import Display
from gpae.runs.signals import StopRequest
from gpae.training.collection import EpisodeTotals
from gpae.training.evaluation import Episodes, Evaluator, headline_metric
from gpae.training.learner import Budget, Learner, Scalars, make_learner
from gpae.training.sharding import Runner, choose_devices
from gpae.training.state import Parameters, TrainingState

ABSOLUTE_EVALUATIONS = 10
"""The absolute metric is of ten times an evaluation's episodes."""


@struct.dataclass
class Best:
    """The parameters with the best evaluation so far.

    Attributes:
        score: Mean headline metric, minus infinity before the first evaluation.
        update: When that was.
        parameters: The parameters then.
    """

    score: Float[Array, ""]
    update: Int[Array, ""]
    parameters: Parameters


@struct.dataclass
class Snapshot:
    """What a checkpoint holds: with it, a run continues bit for bit."""

    state: TrainingState
    best: Best


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


@dataclass
class System:
    """A configuration made into a runner and an evaluator."""

    config: Config
    learner: Learner = field(init=False)
    runner: Runner = field(init=False)
    evaluator: Evaluator = field(init=False)
    metric: str = field(init=False)

    def __post_init__(self) -> None:
        config = self.config
        environment = make(config.task_name, **config.task_settings)
        self.learner = make_learner(
            environment,
            config.method,
            NetworkSettings(**vars(config.network)),
            config.rollout,
            config.window,
            config.update,
            discount=config.discount,
            total_env_steps=config.total_env_steps,
            seed=config.seed,
        )
        devices = choose_devices(
            self.budget.environments, config.update.minibatches, config.run.devices
        )
        self.runner = Runner(self.learner, tuple(devices), config.run.updates_per_call)
        self.evaluator = Evaluator(
            environment,
            self.learner.estimation.actor,
            self.learner.network,
            config.evaluation.episodes,
            config.seed,
            tuple(devices),
        )
        self.metric = headline_metric(environment)

    @property
    def budget(self) -> Budget:
        """How many of everything the run has."""
        return self.learner.budget

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of evaluation, the headline's first."""
        mode = self.config.evaluation.mode
        return ("greedy", "sampled") if mode == "both" else (mode,)

    def initial_snapshot(self) -> Snapshot:
        """The state before the first update."""
        state = self.runner.initial_state()
        best = Best(
            score=jnp.float32(-jnp.inf),
            update=jnp.int32(0),
            parameters=jax.tree.map(np.array, state.parameters),
        )
        return Snapshot(state=state, best=best)


def train(
    config: Config, folder: RunFolder, console: Console, *, checkpoint: int | None = None
) -> Outcome:
    """Train until the end or until asked to stop; the run's lock is held meanwhile.

    Args:
        config: The run's configuration.
        folder: The run's folder; an existing checkpoint in it is continued from.
        console: Where progress is shown.
        checkpoint: Which checkpoint to continue from; the newest when None.

    Raises:
        UserError: The folder is in use or cannot be written, or the checkpoint cannot be used.
        DivergedError: A loss or gradient is not finite; the last good checkpoint is kept.
    """
    with folder.lock():
        session = Session(System(config), folder, console)
        return session.run(checkpoint)


class Session:
    """One session on a run folder whose lock is held."""

    def __init__(self, system: System, folder: RunFolder, console: Console) -> None:
        self.system, self.folder, self.console = system, folder, console
        self.checkpoints = Checkpoints(folder.checkpoints_path, system.config.run.keep_checkpoints)
        self.phases = PhaseTimes()
        self.final: float | None = None
        self.absolute: float | None = None

    def run(self, checkpoint: int | None) -> Outcome:
        """Continue from a checkpoint, or begin, and go on to the end or a stop."""
        snapshot, update = self._start(checkpoint)
        budget = self.system.budget
        with (
            MetricsWriter(self.folder, self._resumed_update(update)) as writer,
            Display(
                self.console,
                budget.updates * budget.env_steps,
                self.system.metric,
                update * budget.env_steps,
            ) as display,
            StopRequest(lambda name: display.message(f"{name}: finishing the update")) as stop,
        ):
            self.writer, self.display = writer, display
            self._recall_evaluations()
            if update == 0:
                snapshot = self._evaluate(snapshot, 0)
            snapshot, update = self._loop(snapshot, update, stop)
            finished = update == budget.updates
            if finished:
                self._evaluate_absolute(snapshot.best)
        if self.system.config.profile:
            self.phases.show(self.console, budget.env_steps)
        return Outcome(
            finished=finished,
            update=update,
            env_steps=update * budget.env_steps,
            metric=self.system.metric,
            final=self.final,
            absolute=self.absolute,
        )

    def _start(self, checkpoint: int | None) -> tuple[Snapshot, int]:
        latest = self.checkpoints.latest()
        if latest is None and checkpoint is not None:
            raise UserError(f"{self.folder.path} has no checkpoint {checkpoint}, nor any other")
        snapshot = self.system.initial_snapshot()
        if latest is None:
            return snapshot, 0
        restored: Any = self.checkpoints.restore(snapshot, checkpoint)
        update = int(restored.state.update)
        self.checkpoints.discard_after(update)
        return replace(restored, state=self.system.runner.place(restored.state)), update

    def _resumed_update(self, update: int) -> int | None:
        return update if update or self.folder.metrics_path.exists() else None

    def _recall_evaluations(self) -> None:
        for record in self.writer.evaluations.read():
            self._remember(record)

    def _remember(self, record: dict[str, Any]) -> None:
        if record["mode"] == self.system.modes[0]:
            score = float(np.mean(record[self.system.metric]))
            if record["absolute"]:
                self.absolute = score
            else:
                self.final = score

    def _loop(self, snapshot: Snapshot, update: int, stop: StopRequest) -> tuple[Snapshot, int]:
        budget, config = self.system.budget, self.system.config
        saved = update
        while update < budget.updates and not stop.requested:
            next_evaluation = _next_due(update, config.evaluation.interval, budget)
            next_save = _next_due(update, config.run.checkpoint_interval, budget)
            count = min(config.run.updates_per_call, next_evaluation - update, next_save - update)
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

    def _advance(self, state: TrainingState, update: int, count: int) -> TrainingState:
        started = time.perf_counter()
        self.phases.begin()
        if self.system.config.profile:
            count = 1
            state, totals, scalars = self.system.runner.run_phases(state, self.phases.record)
        else:
            state, totals, scalars = self.system.runner.run(state, count)
        seconds = time.perf_counter() - started
        rate = count * self.system.budget.env_steps / seconds
        for index in range(count):
            record = self._metrics_record(update + index + 1, totals, scalars, index)
            self._require_finite(record, update + index + 1)
            self.writer.write({**record, "time/steps_per_second": rate})
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
            "gradient_steps": update * budget.gradient_steps,
        }

    def _require_finite(self, record: dict[str, float], update: int) -> None:
        broken = [name for name, value in record.items() if not math.isfinite(value)]
        if not broken:
            return
        kept = self.checkpoints.latest()
        where = f"checkpoint {kept}" if kept is not None else "no checkpoint yet"
        raise DivergedError(
            f"{', '.join(broken)} not finite at update {update}: training has diverged; "
            f"{where} of {self.folder.path} is the last good state, try a smaller "
            "update.learning_rate or update.max_gradient_norm"
        )

    def _save(self, snapshot: Snapshot, update: int) -> None:
        self.writer.sync()
        self.checkpoints.save(update, jax.device_get(snapshot))

    def _evaluate(self, snapshot: Snapshot, update: int) -> Snapshot:
        parameters = snapshot.state.parameters
        for mode in self.system.modes:
            episodes = self.system.evaluator.evaluate(
                parameters.actor, update, greedy=mode == "greedy"
            )
            self._record_evaluation(update, mode, episodes, absolute=False)
        assert self.final is not None
        self.display.evaluated(update * self.system.budget.env_steps, f"{self.final:.3f}")
        if self.final <= snapshot.best.score:
            return snapshot
        best = Best(
            score=jnp.float32(self.final),
            update=jnp.int32(update),
            parameters=jax.tree.map(np.array, parameters),
        )
        return replace(snapshot, best=best)

    def _evaluate_absolute(self, best: Best) -> None:
        if self.absolute is not None or not self.system.config.evaluation.absolute:
            return
        greedy = self.system.modes[0] == "greedy"
        first = self.system.budget.updates + 1
        parts = [
            self.system.evaluator.evaluate(best.parameters.actor, first + part, greedy=greedy)
            for part in range(ABSOLUTE_EVALUATIONS)
        ]
        episodes = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        self._record_evaluation(
            self.system.budget.updates, self.system.modes[0], episodes, absolute=True
        )

    def _record_evaluation(
        self, update: int, mode: str, episodes: Episodes, *, absolute: bool
    ) -> None:
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
        UserError: There is no checkpoint, or it cannot be used.
    """
    checkpoints = Checkpoints(folder.checkpoints_path)
    if checkpoints.latest() is None:
        raise UserError(f"{folder.path} has no checkpoint to evaluate yet")
    system = System(config)
    snapshot: Any = checkpoints.restore(system.initial_snapshot(), checkpoint)
    source = snapshot.best if best else snapshot.state
    evaluator = replace(system.evaluator, episodes=episodes, seed=seed)
    results = evaluator.evaluate(source.parameters.actor, 0, greedy=greedy)
    return results, int(source.update)
