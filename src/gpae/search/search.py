"""A search under way: batches of trials, trained rung by rung, the better ones further."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from rich.console import Console

from gpae.config.compose import compose, from_dict, to_dict
from gpae.config.schema import Config
from gpae.console import say, shown
from gpae.environments import make
from gpae.errors import UserError
from gpae.garbage import without_garbage_collection
from gpae.runs import RunFolder
from gpae.runs.deadline import Deadline
from gpae.runs.folder_names import plain
from gpae.runs.packing import prepare_runs, train_packed
from gpae.runs.session import Failure, Outcome
from gpae.search.folder import SearchFolder, SearchSettings
from gpae.search.halving import rungs, survivors
from gpae.search.objective import objective
from gpae.search.space import FIRST_SEED, SearchSpace, read_space
from gpae.search.trials import Trial, Trials
from gpae.training.evaluation import headline_metric, metric_directions


@dataclass(frozen=True)
class Plan:
    """The constants of a search, checked before anything is written.

    Attributes:
        settings: The search's settings.
        space: Its space.
        config: The configuration of one trial.
        metric: The headline metric of the task.
        maximise: Whether it is better large.
    """

    settings: SearchSettings
    space: SearchSpace
    config: Config
    metric: str
    maximise: bool

    @cached_property
    def rungs(self) -> list[int]:
        """Environment steps at which trials are compared."""
        config, settings = self.config, self.settings
        interval = config.evaluation.interval
        return rungs(config.total_env_steps, interval, settings.rungs, settings.reduction)

    @property
    def name(self) -> str:
        """A name for the search's folder: when, what, how."""
        stamp = time.strftime("%Y%m%d-%H%M%S")
        return f"{stamp}-{plain(self.config.task_name)}-{self.config.method.name}"

    @property
    def mode(self) -> str:
        """The mode of evaluation that counts."""
        return "sampled" if self.config.evaluation.mode == "sampled" else "greedy"

    @property
    def seeds(self) -> range:
        """The seeds of every trial."""
        return range(FIRST_SEED, FIRST_SEED + self.settings.seeds)

    def trial_config(self, trial: Trial, seed: int) -> Config:
        """The configuration of a trial's run, whose best parameters are not evaluated again."""
        words = self.space.overrides(dict(trial.parameters))
        return compose([*words, f"seed={seed}", "evaluation.absolute=false"], self.settings.imports)


def plan_search(settings: SearchSettings, console: Console) -> Plan:
    """Check a search: its space, the settings at the edges of it, the environment, the memory.

    Raises:
        UserError: The first thing that is wrong.
    """
    space = read_space(settings.words)
    configs = [compose(words, settings.imports) for words in space.examples]
    config = configs[0]
    if not config.evaluation.episodes:
        raise UserError("a search compares evaluations: evaluation.episodes must not be 0")
    prepare_runs(configs, console)
    environment = make(config.task_name, **config.task_settings)
    metric = headline_metric(environment)
    maximise = metric_directions(environment)[metric] == "maximise"
    return Plan(settings, space, config, metric, maximise)


@dataclass(frozen=True)
class Search:
    """A search in a folder that this process has locked.

    Attributes:
        plan: Its constants.
        folder: Its folder.
        trials: Its trials.
        console: Where progress is shown.
        deadline: When to stop, to go on later.
    """

    plan: Plan
    folder: SearchFolder
    trials: Trials
    console: Console
    deadline: Deadline | None

    def run(self) -> bool:
        """Go on until all trials have ended; False where a stop was asked for."""
        while batch := self._next_batch():
            if not self._halve(batch):
                return False
        return True

    def _next_batch(self) -> int | None:
        """The number of the batch that is under way, or of a new one; None if all are done."""
        trials, settings = self.trials.all(), self.plan.settings
        open_batches = [trial.batch for trial in trials if trial.running]
        left = settings.trials - len(trials)
        batch = open_batches[0] if open_batches else max((t.batch for t in trials), default=0) + 1
        members = [trial for trial in trials if trial.batch == batch]
        if not any(trial.values for trial in members):
            self.trials.ask(min(left, settings.batch - len(members)), batch)
        return batch if open_batches or left > 0 else None

    def _halve(self, batch: int) -> bool:
        """Train a batch rung by rung; False where a stop was asked for."""
        going_on = {trial.number for trial in self.trials.all() if trial.batch == batch}
        for place, env_steps in enumerate(self.plan.rungs, start=1):
            last = place == len(self.plan.rungs)
            if not going_on:
                break
            runs = f"{self.plan.settings.seeds} seeds of {len(going_on)} trials"
            rung = f"batch {batch}, rung {place} of {len(self.plan.rungs)}"
            say(self.console, f"{rung}: {runs} to {env_steps:,} env steps")
            if not self._reach(going_on, env_steps, last):
                return False
            going_on = self._compare(going_on, env_steps, last)
        return True

    def _reach(self, numbers: set[int], env_steps: int, last: bool) -> bool:
        """Train trials to a rung and keep their values; False where a stop was asked for."""
        waiting = [
            trial
            for trial in self.trials.all()
            if trial.number in numbers and trial.running and env_steps not in trial.values
        ]
        if not waiting:
            return True
        runs = [run for trial in waiting for run in self._runs(trial)]
        results = train_packed(
            runs,
            self.console,
            deadline=self.deadline,
            tracing=without_garbage_collection,
            until=None if last else env_steps,
        )
        if any(isinstance(each, Outcome) and each.stopped for each in results):
            return False
        seeds = self.plan.settings.seeds
        for place, trial in enumerate(waiting):
            of_trial = results[place * seeds : (place + 1) * seeds]
            if failures := [each for each in of_trial if isinstance(each, Failure)]:
                self.trials.stop(trial.number, diverged=True)
                say(self.console, f"trial {trial.number}: {failures[0].message}")
            else:
                self.trials.report(trial.number, env_steps, self._value(trial))
        return True

    def _compare(self, numbers: set[int], env_steps: int, last: bool) -> set[int]:
        """End the trials that do not go on from a rung, and give the others."""
        reached = [
            trial
            for trial in self.trials.all()
            if trial.number in numbers and env_steps in trial.values
        ]
        values = {trial.number: trial.values[env_steps] for trial in reached}
        kept = (
            set()
            if last
            else survivors(
                values,
                len(numbers),
                self.plan.settings.reduction,
                maximise=self.plan.maximise,
            )
        )
        for trial in reached:
            if trial.running and last:
                self.trials.complete(trial.number, values[trial.number])
            elif trial.running and trial.number not in kept:
                self.trials.stop(trial.number)
        self._show_best(values)
        return kept

    def _show_best(self, values: dict[int, float]) -> None:
        if values:
            choose = max if self.plan.maximise else min
            best = choose(values, key=lambda number: values[number])
            say(self.console, f"best {self.plan.metric} {shown(values[best])}, of trial {best}")

    def _value(self, trial: Trial) -> float:
        paths = [self.folder.run_path(trial.number, seed) for seed in self.plan.seeds]
        return objective(paths, self.plan.metric, self.plan.mode)

    def _runs(self, trial: Trial) -> Sequence[tuple[Config, RunFolder]]:
        """The configuration and the folder of each of a trial's runs, made where there is none."""
        runs = []
        for seed in self.plan.seeds:
            path = self.folder.run_path(trial.number, seed)
            if (path / "config.yaml").exists():
                folder = RunFolder.open(path)
                config = from_dict(folder.config, self.plan.settings.imports)
            else:
                config = self.plan.trial_config(trial, seed)
                folder = RunFolder.create(path, to_dict(config))
            runs.append((config, folder))
        return runs
