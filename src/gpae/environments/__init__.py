"""Environments with stacked agent arrays, and the registry of tasks that makes them by name."""

from gpae.environments.check import check_environment
from gpae.environments.environment import (
    Actions,
    ActionSpace,
    ContinuousActions,
    DiscreteActions,
    Environment,
    EnvironmentSpec,
    EnvironmentState,
    Metric,
    Observation,
    Step,
    auto_reset_step,
)
from gpae.environments.host import HostEnvironment
from gpae.environments.jaxmarl_adapter import JaxmarlEnvironment
from gpae.environments.jaxmarl_games import AdapterOptions
from gpae.environments.jumanji_adapter import JumanjiEnvironment
from gpae.environments.pictures import HasPicture, HasUnits, Units
from gpae.environments.tasks import Task, all_tasks, find_task, make, register, task_names
from gpae.environments.wrappers import ForcedStop

__all__ = [
    "ActionSpace",
    "Actions",
    "AdapterOptions",
    "ContinuousActions",
    "DiscreteActions",
    "Environment",
    "EnvironmentSpec",
    "EnvironmentState",
    "ForcedStop",
    "HasPicture",
    "HasUnits",
    "HostEnvironment",
    "JaxmarlEnvironment",
    "JumanjiEnvironment",
    "Metric",
    "Observation",
    "Step",
    "Task",
    "Units",
    "all_tasks",
    "auto_reset_step",
    "check_environment",
    "find_task",
    "make",
    "register",
    "task_names",
]
