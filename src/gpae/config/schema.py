"""The typed configuration of a training run."""

from dataclasses import dataclass, field
from typing import Any

from gpae.fields import choices, duration, fraction, whole, whole_or_auto
from gpae.loggers import LOGGERS
from gpae.methods import UpdateSettings
from gpae.networks import NetworkSettings
from gpae.training.settings import EvaluationSettings, RolloutSettings, WindowSettings


@dataclass
class RunSettings:
    """Place and conduct of a run.

    Attributes:
        folder: The run's folder; by default a new one under ``root``, named after time, task,
            method, seed.
        root: The folder of new run folders.
        checkpoint_interval: Environment steps between checkpoints.
        keep_checkpoints: Number of the newest checkpoints to keep.
        updates_per_call: The most updates one compiled call makes; a stop waits for the call to
            end.
        devices: The most devices to split environments over; 0 for all that divide them.
        population: The most runs of a sweep that are made together, where they share a program:
            ``auto`` chooses by device and memory, 1 makes one after the other.
        budget: Time for the command, all runs of a sweep together, such as 90s, 13m or 2h; when it
            is spent, the run stops with a checkpoint, to be continued.
        loggers: Where metrics, evaluations and results go besides the run's own records.
        tags: Words by which loggers tell runs apart.
    """

    folder: str | None = None
    root: str = "runs"
    checkpoint_interval: float = whole(5e5, 1)
    keep_checkpoints: int = whole(2, 1)
    updates_per_call: int = whole(4, 1)
    devices: int = whole(0, 0)
    population: str = whole_or_auto()
    budget: str | None = duration()
    loggers: list[str] = choices(["tensorboard"], LOGGERS)  # noqa: RUF009 -- a factory
    tags: list[str] = field(default_factory=list)


@dataclass
class Config:
    """Configuration of a run: all that decides its results, and its place.

    Attributes:
        task: The task's name and settings.
        method: The method's name and settings.
        network: The networks' shape.
        rollout: The amount of experience collected in an iteration.
        window: The replay window.
        update: The gradient steps.
        evaluation: Evaluation episodes.
        run: The place and conduct of the run.
        discount: The discount factor gamma.
        total_env_steps: Environment steps of the whole run, not multiplied by agents.
        seed: The seed that every random key is derived from.
        seeds: Number of runs to make together, with this seed, the next one and so on.
        initial_params: Folder of a run whose newest parameters this run begins with, for all its
            networks, or a team of the zoo; None for fresh ones.
        profile: Time each phase of every update on its own; slower.
        imports: Modules to import first, which register methods, tasks or networks of their own.
    """

    task: dict[str, Any] = field(default_factory=dict)
    method: Any = None
    network: NetworkSettings = field(default_factory=NetworkSettings)
    rollout: RolloutSettings = field(default_factory=RolloutSettings)
    window: WindowSettings = field(default_factory=WindowSettings)
    update: UpdateSettings = field(default_factory=UpdateSettings)
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    run: RunSettings = field(default_factory=RunSettings)
    discount: float = fraction(0.99)
    total_env_steps: float = whole(1e7, 1)
    seed: int = whole(0, 0)
    seeds: int = whole(1, 1)
    initial_params: str | None = None
    profile: bool = False
    imports: list[str] = field(default_factory=list)

    @property
    def task_name(self) -> str:
        """The task's name, such as ``smax/3m``."""
        return str(self.task["name"])

    @property
    def task_settings(self) -> dict[str, Any]:
        """The task's own settings."""
        return {name: value for name, value in self.task.items() if name != "name"}
