"""Trials of a search in Optuna's storage: a journal, one line for each thing that happens."""

import os
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from gpae.runs.files import disk_errors
from gpae.search.space import Parameter, Range, SearchSpace

_BATCH = "batch"
_DIVERGED = "diverged"


@dataclass(frozen=True)
class Trial:
    """A trial as it stands.

    Attributes:
        number: Its number.
        batch: The number of its batch.
        parameters: The values drawn for it, by setting.
        values: Its value at each rung that it has reached, by env steps.
        running: Whether it has not ended.
        complete: Whether it came to its end.
        diverged: Whether a run of it diverged.
    """

    number: int
    batch: int
    parameters: Mapping[str, float | str]
    values: Mapping[int, float]
    running: bool
    complete: bool
    diverged: bool

    @property
    def fate(self) -> str:
        """State of the trial in a word."""
        if self.diverged:
            return "diverged"
        return "running" if self.running else "complete" if self.complete else "stopped"


class Trials:
    """The trials of one search.

    They are drawn by a tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), which
    takes those that are running for poor ones, so that a batch spreads.

    Args:
        path: The journal; it is made where there is none.
        space: The search space.
        maximise: Whether larger values are better.
        seed: From which draws follow, with the number of trials drawn before.
    """

    def __init__(self, path: Path, space: SearchSpace, *, maximise: bool, seed: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._space, self._seed = space, seed
        with disk_errors(f"write to {path}"):
            _cut_to_whole_lines(path)
            self._study = optuna.create_study(
                storage=JournalStorage(_journal(path)),
                study_name="search",
                direction="maximize" if maximise else "minimize",
                load_if_exists=True,
            )
        self._abandon_unfinished_draws()

    def all(self) -> list[Trial]:
        """All trials of batches, by number."""
        return [_as_trial(each) for each in self._study.trials if _BATCH in each.user_attrs]

    def ask(self, count: int, batch: int) -> None:
        """Draw some trials more for a batch."""
        drawn = len(self._study.trials)
        self._study.sampler = optuna.samplers.TPESampler(
            seed=self._seed + drawn, constant_liar=True
        )
        distributions = {each.setting: _distribution(each) for each in self._space.parameters}
        for _ in range(count):
            self._study.ask(distributions).set_user_attr(_BATCH, batch)

    def report(self, number: int, env_steps: int, value: float) -> None:
        """Keep a trial's value at a rung."""
        self._open(number).report(value, env_steps)

    def stop(self, number: int, *, diverged: bool = False) -> None:
        """End a trial before its end."""
        if diverged:
            self._open(number).set_user_attr(_DIVERGED, True)
        self._study.tell(number, state=TrialState.PRUNED)

    def complete(self, number: int, value: float) -> None:
        """End a trial at its end, with its value."""
        self._study.tell(number, value)

    def importances(self, env_steps: int) -> dict[str, float]:
        """The importance of each setting for a trial's value at a rung, in parts of 1.

        PED-ANOVA (Watanabe et al., IJCAI 2023): how far the best tenth of the trials are from even
        draws of the space. Empty where trials are too few, or too many alike, to tell.
        """
        reached = [each for each in self._study.trials if env_steps in each.intermediate_values]
        if len(reached) < 2:
            return {}
        at_rung = optuna.create_study(direction=self._study.direction)
        for each in reached:
            value = each.intermediate_values[env_steps]
            at_rung.add_trial(
                optuna.create_trial(
                    params=each.params, distributions=each.distributions, value=value
                )
            )
        evaluator = PedAnovaImportanceEvaluator(evaluate_on_local=False)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            importances = get_param_importances(at_rung, evaluator=evaluator)
        return {} if caught else importances

    def _open(self, number: int) -> optuna.Trial:
        return optuna.Trial(self._study, self._study.trials[number]._trial_id)

    def _abandon_unfinished_draws(self) -> None:
        """End the trials in whose drawing a process was killed: nothing is known of them."""
        for each in self._study.trials:
            if each.state is TrialState.RUNNING and _BATCH not in each.user_attrs:
                self._study.tell(each.number, state=TrialState.FAIL)


def _journal(path: Path) -> BaseJournalBackend:
    lock: Any = _HeldElsewhere()
    return JournalFileBackend(str(path), lock_obj=lock)


class _HeldElsewhere:
    """The journal's lock: none, as the search's folder is locked, and the system ends that lock."""

    def acquire(self) -> bool:
        """Succeed."""
        return True

    def release(self) -> None:
        """Succeed."""


def _cut_to_whole_lines(path: Path) -> None:
    """Remove what a killed process has left of a line."""
    if path.exists():
        os.truncate(path, path.read_bytes().rfind(b"\n") + 1)


def _distribution(parameter: Parameter) -> BaseDistribution:
    if not isinstance(parameter, Range):
        return CategoricalDistribution(parameter.values)
    if parameter.whole:
        low, high = int(parameter.low), int(parameter.high)
        return IntDistribution(low, high, log=parameter.logarithmic)
    return FloatDistribution(parameter.low, parameter.high, log=parameter.logarithmic)


def _as_trial(frozen: FrozenTrial) -> Trial:
    return Trial(
        number=frozen.number,
        batch=frozen.user_attrs[_BATCH],
        parameters=frozen.params,
        values=frozen.intermediate_values,
        running=frozen.state is TrialState.RUNNING,
        complete=frozen.state is TrialState.COMPLETE,
        diverged=bool(frozen.user_attrs.get(_DIVERGED, False)),
    )
