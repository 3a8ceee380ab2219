"""One run of a session: what it has recorded, its checkpoints and its best parameters."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gpae.errors import DivergedError, UserError
from gpae.runs.callbacks import Watchers
from gpae.runs.checkpoints import Checkpoints
from gpae.runs.divergence import find_cause
from gpae.runs.folder import RunFolder
from gpae.runs.logging import say_on_stderr
from gpae.runs.metrics import MetricsWriter
from gpae.runs.records import RecordFile
from gpae.runs.system import Best, Snapshot, System
from gpae.training.collection import LOST_TRUNCATIONS
from gpae.training.evaluation import CUT_OFF, Episodes, join_episodes

ABSOLUTE_EVALUATIONS = 10
"""The absolute metric is of ten times an evaluation's episodes."""

_NAMES_SHOWN = 3


class Member:
    """A run whose lock is held, in a session of one run or of several.

    Args:
        system: The runner and evaluator of its configuration.
        folder: Where it is kept.
        seed: Its seed.
        watchers: The callbacks that are told what happens; none by default.

    Attributes:
        final: The headline metric's mean in the last evaluation, None where there was none.
        absolute: Its mean in the absolute evaluation, None where there was none.
        cut_off: Number of evaluation episodes that were cut off in this session.
        failure: The error that ended it in this session, None while it goes on.
    """

    def __init__(
        self, system: System, folder: RunFolder, seed: int, watchers: Watchers | None = None
    ) -> None:
        self.system, self.folder, self.seed = system, folder, seed
        self.watchers = watchers
        self.checkpoints = Checkpoints(folder.checkpoints_path, system.config.run.keep_checkpoints)
        self.final: float | None = None
        self.absolute: float | None = None
        self.cut_off = 0
        self.failure: DivergedError | None = None

    def begin(self) -> Any:
        """The state before the first update, on the host; the policy's description is written."""
        self.system.policy_spec.write(self.folder.policy_path)
        snapshot = self.system.initial_snapshot(self.seed)
        self.best: Best = snapshot.best
        self._best_score = -math.inf
        return snapshot.state

    def restore(self, checkpoint: int) -> Any:
        """The state of a checkpoint, on the host; nothing on disk changes."""
        restored: Any = self.checkpoints.restore(self.system.snapshot_shapes(), checkpoint)
        self.best = restored.best
        self._best_score = float(self.best.score)
        self._recall_evaluations(checkpoint)
        return self.system.resumed(restored.state)

    def recall(self) -> None:
        """Remember the results on record, of a run that has come to its end."""
        for record in RecordFile(self.folder.evaluations_path).read():
            self._remember(record)

    @property
    def lacks_absolute(self) -> bool:
        """True where an absolute evaluation is asked for and none is on record."""
        evaluation = self.system.config.evaluation
        return evaluation.absolute and evaluation.episodes > 0 and self.absolute is None

    def end_by(self, error: DivergedError) -> None:
        """End the run by an error, which its folder keeps until it goes on."""
        self.failure = error
        self._writer.status = "failed"
        self.folder.record_failure(str(error))

    def finish(self) -> None:
        """Note that the run is complete."""
        self._writer.status = "finished"

    def writer(
        self, saved: int | None, say: Callable[[str], None] = say_on_stderr
    ) -> MetricsWriter:
        """The writer of the run's records.

        Args:
            saved: Records after this update are dropped: all where None.
            say: Prints the line about a logger that fails; by default on standard error.
        """
        self.folder.forget_failure()
        self._writer = MetricsWriter(self.folder, self._rewind_to(saved), say)
        return self._writer

    def require_checkpoint(self, checkpoint: int | None) -> None:
        """Refuse a checkpoint asked for where there is none at all.

        Raises:
            UserError: There is none.
        """
        if checkpoint is not None and self.checkpoints.latest() is None:
            raise UserError(f"{self.folder.path} has no checkpoint {checkpoint}, nor any other")

    def record(
        self,
        update: int,
        metrics: Mapping[str, float],
        times: Mapping[str, float],
        state: Callable[[], Any],
    ) -> None:
        """Write an update's metrics.

        Args:
            update: The number of updates made.
            metrics: The metrics of the last one.
            times: The times it took.
            state: Function that gives the run's state, on the host, after this or a later update.

        Raises:
            UserError: Successors of truncated steps were lost.
            DivergedError: A metric is not finite.
        """
        self._require_successors(metrics)
        record = {**self._counters(update), **_of_ended_episodes(metrics)}
        self._require_finite(record, update, state)
        self._writer.write({**record, **times})
        if self.watchers is not None:
            self.watchers.metrics({**record, **times})

    def save(self, state: Any, update: int) -> None:
        """Write a checkpoint, unless it would be of no use."""
        host = jax.device_get(Snapshot(state=state, best=self.best))
        leaves = jax.tree.leaves((host.state.params, host.state.optimiser_states))
        sound = all(np.isfinite(leaf).all() for leaf in leaves)
        self._require_finite({"parameters": 0.0 if sound else math.nan}, update, lambda: host.state)
        self._writer.sync()
        self.checkpoints.save(update, host)

    def tell_of_checkpoint(self, update: int) -> None:
        """Call the callbacks of a checkpoint."""
        if self.watchers is not None:
            self.watchers.checkpoint(update)

    def evaluated(self, params: Any, update: int, played: Mapping[str, Episodes]) -> None:
        """Record an evaluation of parameters, and keep them if they are the best so far.

        Args:
            params: The parameters, on the host.
            update: The number of updates made.
            played: The episodes by mode.
        """
        for mode, episodes in played.items():
            self._record_evaluation(update, mode, episodes, params, absolute=False)
        score = self._score()
        if score > self._best_score:
            self._best_score = score
            self.best = Best(
                score=jnp.float32(score),
                update=jnp.int32(update),
                params=jax.tree.map(np.array, params),
            )

    def evaluated_absolutely(self, parts: Sequence[Episodes]) -> None:
        """Record an evaluation of the best parameters on many episodes of their own."""
        mode, params = self.system.modes[0], self.best.params
        self._record_evaluation(
            self.system.budget.updates, mode, join_episodes(parts), params, absolute=True
        )

    def _rewind_to(self, saved: int | None) -> int | None:
        """The update after which records are dropped: all of them where there is no checkpoint."""
        if saved is not None:
            return saved
        begun = self.folder.metrics_path.exists() or self.folder.evaluations_path.exists()
        return -1 if begun else None

    def _recall_evaluations(self, update: int) -> None:
        for record in RecordFile(self.folder.evaluations_path).read():
            if record["update"] <= update:
                self._remember(record)
                if record["update"] == int(self.best.update):
                    self._best_score = self._score()

    def _score(self) -> float:
        """Exact score of the last evaluation; checkpoints have it to single precision."""
        assert self.final is not None
        return self.system.score(self.final)

    def _remember(self, record: dict[str, Any]) -> None:
        if record["mode"] == self.system.modes[0]:
            score = float(np.mean(record[self.system.metric], dtype=np.float64))
            if record["absolute"]:
                self.absolute = score
            else:
                self.final = score

    def _counters(self, update: int) -> dict[str, int]:
        budget = self.system.budget
        return {
            "update": update,
            "env_steps": update * budget.env_steps,
            "gradient_steps": budget.gradient_steps_after(update),
        }

    def _require_successors(self, metrics: Mapping[str, float]) -> None:
        if metrics[LOST_TRUNCATIONS]:
            spec = self.system.evaluator.environment.spec
            raise UserError(
                f"{spec.name} truncated episodes before its max_episode_steps of "
                f"{spec.max_episode_steps}, which its spec rules out by early_truncation=False: "
                "correct the one or the other"
            )

    def _require_finite(
        self,
        values: Mapping[str, float],
        update: int,
        state: Callable[[], Any] | None = None,
        params: Any = None,
    ) -> None:
        broken = [name for name, value in values.items() if not math.isfinite(value)]
        if not broken:
            return
        evidence = None if state is None else state()
        params = params if evidence is None else evidence.params
        cause = find_cause(broken, self.system.environment.spec, params, evidence)
        more = f" and {len(broken) - _NAMES_SHOWN} more" if len(broken) > _NAMES_SHOWN else ""
        kept = self.checkpoints.latest()
        raise DivergedError(
            f"training has diverged: {', '.join(broken[:_NAMES_SHOWN])}{more} not finite at update "
            f"{update}, {cause.origin}; {self.folder.path} has "
            + ("no checkpoint yet" if kept is None else f"checkpoint {kept}, the last good one")
            + f"; {cause.remedy}"
        )

    def _record_evaluation(
        self, update: int, mode: str, episodes: Episodes, params: Any, *, absolute: bool
    ) -> None:
        means = {f"evaluation/{mode}/{name}": values.mean() for name, values in episodes.items()}
        self._require_finite(means, update, params=params)
        record = {
            **self._counters(update),
            "mode": mode,
            "absolute": absolute,
            "headline": self.system.metric,
            "direction": self.system.directions,
            "episodes": len(episodes["episode_return"]),
            **episodes,
        }
        self.cut_off += int(episodes.get(CUT_OFF, np.zeros(1)).sum())
        self._writer.write_evaluation(record)
        self._remember(record)
        if self.watchers is not None:
            self.watchers.evaluation(record)


def _of_ended_episodes(metrics: Mapping[str, float]) -> dict[str, float]:
    """The metrics without the means over training episodes where none has ended."""
    counted = "train/episodes"
    return {
        name: value
        for name, value in metrics.items()
        if name != LOST_TRUNCATIONS
        and (metrics[counted] or name == counted or not name.startswith("train/"))
    }
