"""Checks of a configuration before anything is computed or written, each failure one clear line."""

import math
from collections.abc import Callable, Iterable
from dataclasses import fields, is_dataclass

from gpae.config.q_learning import check_q_learning
from gpae.config.schema import Config
from gpae.environments import find_task
from gpae.errors import UserError
from gpae.fields import check_fields
from gpae.methods import METHODS

_LARGEST_SEED = 2**32 - 1
_MOST_STEPS = 2**31 - 1
"""Of one environment in a run: steps are counted in 32 bits."""


def check(config: Config) -> None:
    """Raise a UserError for the first setting that cannot be, alone or together with others."""
    _check_task(config)
    _check_method(config)
    _check_values(config)
    _check_critic(config)
    _FAMILY_CHECKS[config.method.family](config)
    _check_length(config)
    if config.run.folder == "":
        raise UserError("run.folder is empty: name a folder, or leave it out for a new one")


def refuse_unused(config: Config, settings: Iterable[str]) -> None:
    """Raise a UserError for the first setting asked for that the method has no use for.

    Args:
        config: The configuration.
        settings: The names of the settings that were asked for, such as ``window.length``.
    """
    unused = config.method.unused_settings
    for setting in settings:
        if setting in unused or setting.partition(".")[0] in unused:
            raise UserError(
                f"{setting} has no meaning with method={config.method.name}: leave it out"
            )


def _check_task(config: Config) -> None:
    if "name" not in config.task:
        raise UserError("task.name is missing: choose a task with task=NAME")
    task = find_task(config.task_name)
    try:
        task.check(**config.task_settings)
    except UserError as error:
        raise UserError(f"task {task.name}: {error}") from error


def _check_method(config: Config) -> None:
    name = config.method.name
    if not isinstance(config.method, METHODS[name]):
        raise UserError(f"method.name={name} does not fit the other settings: use method={name}")


def _check_values(config: Config) -> None:
    check_fields(config)
    for each in fields(config):
        group = getattr(config, each.name)
        if is_dataclass(group):
            check_fields(group, each.name)
    most = _LARGEST_SEED - config.seeds + 1
    if config.seed > most:
        raise UserError(f"seed={config.seed} must be at most {most}")


def _check_critic(config: Config) -> None:
    network = config.network
    if network.critic_actions == "attention" and not network.share_parameters:
        raise UserError(
            "network.critic_actions=attention needs the agents' shared parameters: leave out "
            "network.share_parameters=false"
        )


def _check_divisions(config: Config) -> None:
    environments, steps = config.rollout.environments, config.rollout.steps
    factors = {
        "window.length": _sharing(config),
        "update.minibatches": config.update.minibatches,
        "run.devices": config.run.devices or 1,
    }
    product = math.prod(factors.values())
    if environments % product:
        parts = " x ".join(f"{name}={value}" for name, value in factors.items() if value > 1)
        raise UserError(
            f"rollout.environments={environments} must be divisible by {parts}: "
            f"try {max(1, round(environments / product)) * product}"
        )
    if config.update.chunk and steps % config.update.chunk:
        raise UserError(
            f"update.chunk={config.update.chunk} must divide rollout.steps={steps}, "
            "or be 0 for all of it"
        )


_FAMILY_CHECKS: dict[str, Callable[[Config], None]] = {
    "policy_gradient": _check_divisions,
    "q_learning": check_q_learning,
}
"""The checks of settings together, by the method's family."""


def _check_length(config: Config) -> None:
    environments = config.rollout.environments // _sharing(config)
    most = _MOST_STEPS * environments
    if config.total_env_steps > most:
        raise UserError(
            f"total_env_steps={config.total_env_steps:g} is too many: {environments} environments "
            f"can make {most:.3g}"
        )


def _sharing(config: Config) -> int:
    """Number of the window's rollouts that share the environments."""
    return config.window.length if config.window.mode == "constant_batch" else 1
