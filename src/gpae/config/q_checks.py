"""What a Q-learning method can be asked for, and what has no meaning with it."""

import math
from collections.abc import Iterable

from gpae.config.schema import Config
from gpae.environments import find_task
from gpae.errors import UserError

_APPLICABLE = {
    "window": (),
    "update": (
        "epochs",
        "learning_rate",
        "anneal_learning_rate",
        "adam_epsilon",
        "max_gradient_norm",
    ),
    "network": (
        "core",
        "encoder",
        "hidden_size",
        "layer_norm",
        "head_hidden",
        "actor_agent_id",
        "share_parameters",
    ),
}
"""Of the groups that policy-gradient methods share, what Q-learning uses as well."""


def refuse_inapplicable(config: Config, settings: Iterable[str]) -> None:
    """Raise a UserError for the first of the settings asked for that Q-learning would ignore.

    Args:
        config: The configuration, of a Q-learning method.
        settings: The names of the settings that were asked for, such as ``window.length``.
    """
    for setting in settings:
        group, _, field = setting.partition(".")
        if field not in _APPLICABLE.get(group, (field,)):
            raise UserError(
                f"{setting} has no meaning with method={config.method.name}, which learns from "
                "replayed trajectories (docs/q_learning.md): leave it out"
            )


def check_q_learning(config: Config) -> None:
    """Raise a UserError for the first setting that a Q-learning method cannot have."""
    _check_what_is_learned(config)
    _check_buffer(config)
    devices = config.run.devices
    for name, size in (
        ("rollout.environments", config.rollout.environments),
        ("method.batch_size", config.method.batch_size),
    ):
        if devices and size % devices:
            raise UserError(
                f"{name}={size} must be divisible by run.devices={devices}: "
                f"try {max(1, round(size / devices)) * devices}"
            )


def _check_what_is_learned(config: Config) -> None:
    name, task = config.method.name, find_task(config.task_name)
    if task.continuous:
        raise UserError(
            f"method={name} needs numbered actions, but those of task {task.name} are continuous: "
            "use another method, such as method=gpae"
        )
    if config.evaluation.mode != "greedy":
        raise UserError(
            f"evaluation.mode={config.evaluation.mode} has no meaning with method={name}, which "
            "acts greedily: leave it out"
        )


def _check_buffer(config: Config) -> None:
    method, environments = config.method, config.rollout.environments
    rollouts = math.ceil(config.total_env_steps / (environments * config.rollout.steps))
    collected = rollouts * environments
    if collected * config.rollout.steps <= method.learning_starts or collected < method.batch_size:
        raise UserError(
            f"total_env_steps={config.total_env_steps:g} ends before learning begins, which needs "
            f"more than method.learning_starts={method.learning_starts} env steps and "
            f"method.batch_size={method.batch_size} trajectories"
        )
    kept = method.buffer_size // environments * environments
    if kept < max(environments, method.batch_size):
        raise UserError(
            f"method.buffer_size={method.buffer_size} is too small: it must hold a trajectory of "
            f"each of rollout.environments={environments}, and in whole rounds of them "
            f"method.batch_size={method.batch_size}"
        )
