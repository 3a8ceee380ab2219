"""Checks of a configuration before anything is computed or written, each failure one clear line."""

import math
from collections.abc import Iterable, Iterator, Mapping
from operator import attrgetter
from typing import Any

from gpae.config.q_checks import check_q_learning
from gpae.config.schema import Config
from gpae.environments import find_task
from gpae.errors import UserError
from gpae.methods import BOOTSTRAPS, METHODS, Q_METHODS, TRACE_SCHEMES
from gpae.networks import NETWORK_KINDS
from gpae.networks.critic import OWN_SLOTS
from gpae.suggestions import did_you_mean
from gpae.training.settings import EVALUATION_MODES, WINDOW_MODES

_CHOICES: Mapping[str, Iterable[str]] = {
    "method.name": METHODS,
    "method.traces": TRACE_SCHEMES,
    "method.bootstrap": BOOTSTRAPS,
    "method.own_slot": OWN_SLOTS,
    "network.kind": NETWORK_KINDS,
    "window.mode": WINDOW_MODES,
    "evaluation.mode": EVALUATION_MODES,
}

_LEAST_COUNTS = {
    "total_env_steps": 1,
    "seed": 0,
    "seeds": 1,
    "rollout.environments": 1,
    "rollout.steps": 1,
    "window.length": 1,
    "update.epochs": 1,
    "update.minibatches": 1,
    "update.chunk": 0,
    "network.hidden_size": 1,
    "network.critic_embedding_size": 0,
    "method.own_action_samples": 1,
    "method.reward_models": 1,
    "method.buffer_size": 1,
    "method.batch_size": 1,
    "method.learning_starts": 0,
    "method.target_interval": 1,
    "method.mixing_size": 1,
    "method.hypernetwork_size": 1,
    "evaluation.interval": 1,
    "evaluation.episodes": 1,
    "run.checkpoint_interval": 1,
    "run.keep_checkpoints": 1,
    "run.updates_per_call": 1,
    "run.devices": 0,
}

_FRACTIONS = (
    "discount",
    "method.lambda_",
    "method.beta",
    "method.epsilon_start",
    "method.epsilon_finish",
    "method.epsilon_decay",
    "method.target_rate",
)

_POSITIVE = (
    "update.clip",
    "update.learning_rate",
    "update.adam_epsilon",
    "update.max_gradient_norm",
    "method.reward_scale",
    "method.target_rate",
    "method.mixer_scale",
)
_POSITIVE_OR_INFINITE = ("method.eta", "method.bootstrap_limit")

_NOT_NEGATIVE = ("update.huber_delta", "update.value_coefficient", "update.entropy_coefficient")

_BOOTSTRAPPING = ("gpae", "coma")
"""Methods whose successor values depend on actions, so that their bootstrap can be corrected."""

_UNSAFE = ("individual", "none")
"""Trace schemes with which the corrected operator need not contract."""

_LARGEST_SEED = 2**32 - 1
_MOST_STEPS = 2**31 - 1
"""Of one environment in a run: steps are counted in 32 bits."""


def check(config: Config) -> None:
    """Raise a UserError for the first setting that cannot be, alone or together with others."""
    _check_task(config)
    _check_choices(config)
    _check_method(config)
    _check_numbers(config)
    if config.method.name in Q_METHODS:
        check_q_learning(config)
    else:
        _check_divisions(config)
    _check_length(config)
    if config.run.folder == "":
        raise UserError("run.folder is empty: name a folder, or leave it out for a new one")


def cautions(config: Config) -> list[str]:
    """What may be asked for but is known to go wrong, a line each."""
    method = config.method
    corrected = method.name in _BOOTSTRAPPING and method.bootstrap == "corrected"
    if corrected and method.traces in _UNSAFE:
        return [
            f"method.bootstrap=corrected with method.traces={method.traces} need not converge; "
            "double and joint traces do (docs/theory.md)"
        ]
    return []


def _check_task(config: Config) -> None:
    if "name" not in config.task:
        raise UserError("task.name is missing: choose a task with task=NAME")
    task = find_task(config.task_name)
    try:
        task.check(**config.task_settings)
    except UserError as error:
        raise UserError(f"task {task.name}: {error}") from error


def _check_choices(config: Config) -> None:
    for name, value in _present(config, _CHOICES):
        allowed = list(_CHOICES[name])
        if value not in allowed:
            hint = did_you_mean(value, allowed)
            raise UserError(f"{name}={value} is not known{hint}; it is one of {', '.join(allowed)}")


def _check_method(config: Config) -> None:
    name = config.method.name
    if not isinstance(config.method, METHODS[name]):
        raise UserError(f"method.name={name} does not fit the other settings: use method={name}")


def _check_numbers(config: Config) -> None:
    for name, value in _present(config, _LEAST_COUNTS):
        least = _LEAST_COUNTS[name]
        whole = math.isfinite(value) and value == int(value)
        _require(whole and value >= least, name, value, f"a whole number from {least} up")
    most = _LARGEST_SEED - config.seeds + 1
    _require(config.seed <= most, "seed", config.seed, f"at most {most}")
    for name, value in _present(config, _FRACTIONS):
        _require(0.0 <= value <= 1.0, name, value, "from 0 to 1")
    for name, value in _present(config, _POSITIVE):
        _require(0.0 < value < math.inf, name, value, "positive and finite")
    for name, value in _present(config, _POSITIVE_OR_INFINITE):
        _require(value > 0.0, name, value, "positive")
    for name, value in _present(config, _NOT_NEGATIVE):
        _require(0.0 <= value < math.inf, name, value, "finite and not negative")


def _present(config: Config, names: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """Each setting's value; those that the chosen method does not have are left out."""
    for name in names:
        group, _, field = name.rpartition(".")
        holder = attrgetter(group)(config) if group else config
        if field in vars(holder):
            yield name, getattr(holder, field)


def _require(holds: bool, name: str, value: float, what: str) -> None:
    if not holds:
        raise UserError(f"{name}={value} must be {what}")


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


def _check_length(config: Config) -> None:
    environments = config.rollout.environments // _sharing(config)
    most = _MOST_STEPS * environments
    if config.total_env_steps > most:
        raise UserError(
            f"total_env_steps={config.total_env_steps:g} is too many: {environments} environments "
            f"can make {most:.3g}"
        )


def _sharing(config: Config) -> int:
    """Among how many rollouts of the window the environments are shared out."""
    return config.window.length if config.window.mode == "constant_batch" else 1
