"""Training and resuming a run from Python, in the process as it is."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hydra.core.global_hydra import GlobalHydra
from rich.console import Console

from gpae.config.compose import compose, from_dict, to_dict
from gpae.config.schema import Config
from gpae.config.settings_file import as_overrides
from gpae.console import say
from gpae.errors import UserError
from gpae.methods import Method
from gpae.report.curves import learning_curve
from gpae.runs import RecordFile, RunFolder
from gpae.runs import session as sessions
from gpae.runs.callbacks import Callback
from gpae.runs.deadline import Deadline
from gpae.runs.folder_names import new_folder
from gpae.runs.memory import check_memory
from gpae.runs.system import System
from gpae.runs.team_policy import TeamPolicy, load_policy


@dataclass(frozen=True)
class TrainedRun:
    """A run that was trained, to its end or to a stop.

    Attributes:
        folder: Its folder, for the command line and for :func:`gpae.load_policy` too.
        outcome: The end of the session: whether the run is finished, its results.
    """

    folder: Path
    outcome: sessions.Outcome

    def policy(self, *, best: bool = False, checkpoint: int | None = None) -> TeamPolicy:
        """The policy that was learnt; the arguments are those of :func:`gpae.load_policy`."""
        return load_policy(self.folder, best=best, checkpoint=checkpoint)

    def metrics(self) -> list[dict[str, Any]]:
        """The record of every update."""
        return RecordFile(RunFolder.open(self.folder).metrics_path).read()

    def evaluations(self) -> list[dict[str, Any]]:
        """The record of every evaluation."""
        return RecordFile(RunFolder.open(self.folder).evaluations_path).read()


def train(
    task: str | Mapping[str, Any],
    *,
    method: str | Mapping[str, Any] | Method = "gpae",
    folder: str | Path | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
    **settings: Any,
) -> TrainedRun:
    """Train a method on a task, into the same run folder that ``gpae train`` makes.

    JAX is used as it is configured: :func:`gpae.prepare_jax` beforehand gives it the devices and
    the cache that the command line does.

    Args:
        task: The task's name, or a mapping of ``name`` and the task's settings.
        method: The method's name, a mapping of ``name`` and its settings, or an instance such as
            ``gpae.Gpae(eta=1.05)``. What an instance leaves at its default is the preset's.
        folder: The run's folder, new or empty; one under ``run.root`` when None.
        callbacks: Callbacks, which see metrics, evaluations and checkpoints and may stop the run.
        progress: Print what the command prints.
        **settings: Further settings, those of a group as a mapping: ``seed=1``,
            ``total_env_steps=3e5``, ``preset="release"``, ``rollout={"steps": 64}``.

    Returns:
        The run.

    Raises:
        UserError: A setting is wrong, the folder holds something, or the memory does not suffice;
            nothing was written.
        DivergedError: A number was not finite; the last good checkpoint is kept.
    """
    with _hydra_kept():
        config = compose(list(as_overrides(_named(task, method, folder, settings))))
    if config.seeds != 1:
        raise UserError(f"seeds={config.seeds}: this trains one run; give each its seed in turn")
    console = Console(markup=False, highlight=False, quiet=not progress)
    for caution in config.method.cautions():
        say(console, f"note: {caution}")
    system, memory = _put_together(config)
    config.run.devices = system.population.devices_a_run
    system.check_initial_params()
    run = RunFolder.create(new_folder(config), to_dict(config))
    say(console, f"run folder {run.path}")
    say(console, memory)
    return _train(system, run, console, callbacks)


def resume(
    folder: str | Path,
    *,
    checkpoint: int | None = None,
    callbacks: Sequence[Callback] = (),
    progress: bool = True,
) -> TrainedRun:
    """Continue a run from a checkpoint, as ``gpae resume`` does.

    Args:
        folder: The run's folder.
        checkpoint: Which checkpoint; the newest when None. What was recorded later is dropped.
        callbacks: As in :func:`train`.
        progress: As in :func:`train`.

    Returns:
        The run.

    Raises:
        UserError: It is no run, is in use, or its checkpoint cannot be used.
        DivergedError: A number was not finite; the last good checkpoint is kept.
    """
    run = RunFolder.open(Path(folder))
    with _hydra_kept():
        system, _ = _put_together(from_dict(run.config))
    console = Console(markup=False, highlight=False, quiet=not progress)
    return _train(system, run, console, callbacks, checkpoint)


def _train(
    system: System,
    run: RunFolder,
    console: Console,
    callbacks: Sequence[Callback],
    checkpoint: int | None = None,
) -> TrainedRun:
    (outcome,) = sessions.train(
        system,
        [run],
        console,
        checkpoint=checkpoint,
        deadline=Deadline.of(system.config.run.budget),
        callbacks=callbacks,
    )
    if outcome.final is not None:
        learning_curve(run.path, run.curve_path)
    return TrainedRun(run.path, outcome)


def _put_together(config: Config) -> tuple[System, str]:
    """The system that trains a configuration, checked, and a line about the memory it needs."""
    system = System(config)
    system.check()
    return system, check_memory(system.population, 1)


def _named(
    task: str | Mapping[str, Any],
    method: str | Mapping[str, Any] | Method,
    folder: str | Path | None,
    settings: Mapping[str, Any],
) -> dict[str, Any]:
    """All settings by name."""
    named = {"task": task, "method": _changed(method) if isinstance(method, Method) else method}
    placed = {} if folder is None else {"run.folder": str(folder)}
    return {**named, **settings, **placed}


def _changed(method: Method) -> dict[str, Any]:
    """A method's name, and those of its settings that are not the class's defaults."""
    default = type(method)()
    values = {each.name: getattr(method, each.name) for each in fields(method)}
    changed = {name: value for name, value in values.items() if value != getattr(default, name)}
    return {"name": method.name, **changed}


@contextmanager
def _hydra_kept() -> Iterator[None]:
    """Leave the Hydra of a host program, which there is one of in a process, as it was."""
    hydra = GlobalHydra.instance().hydra
    try:
        yield
    finally:
        GlobalHydra.instance().hydra = hydra
