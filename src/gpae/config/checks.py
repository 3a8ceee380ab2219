"""Checks of a configuration before anything is computed or written, each failure one clear line."""

import math
from collections.abc import Iterable

from gpae.config.schema import Config
from gpae.errors import UserError
from gpae.methods import BOOTSTRAPS, METHODS, TRACE_SCHEMES
from gpae.networks import NETWORK_KINDS
from gpae.networks.critic import OWN_SLOTS
from gpae.suggestions import did_you_mean
from gpae.training.settings import EVALUATION_MODES, WINDOW_MODES


def check(config: Config) -> None:
    """Raise a UserError for the first setting that cannot be, alone or together with others."""
    _check_choices(config)
    _check_numbers(config)
    _check_divisions(config)


def _check_choices(config: Config) -> None:
    _choice("method.name", config.method.name, METHODS)
    _choice("method.traces", config.method.traces, TRACE_SCHEMES)
    _choice("method.bootstrap", config.method.bootstrap, BOOTSTRAPS)
    _choice("method.own_slot", getattr(config.method, "own_slot", OWN_SLOTS[0]), OWN_SLOTS)
    _choice("network.kind", config.network.kind, NETWORK_KINDS)
    _choice("window.mode", config.window.mode, WINDOW_MODES)
    _choice("evaluation.mode", config.evaluation.mode, EVALUATION_MODES)


def _choice(name: str, value: str, allowed: Iterable[str]) -> None:
    allowed = list(allowed)
    if value not in allowed:
        hint = did_you_mean(value, allowed)
        raise UserError(f"{name}={value} is not known{hint}; it is one of {', '.join(allowed)}")


def _check_numbers(config: Config) -> None:
    update, network = config.update, config.network
    counts: dict[str, float] = {
        "total_env_steps": config.total_env_steps,
        "rollout.environments": config.rollout.environments,
        "rollout.steps": config.rollout.steps,
        "window.length": config.window.length,
        "update.epochs": update.epochs,
        "update.minibatches": update.minibatches,
        "network.hidden_size": network.hidden_size,
        "evaluation.interval": config.evaluation.interval,
        "evaluation.episodes": config.evaluation.episodes,
        "run.checkpoint_interval": config.run.checkpoint_interval,
        "run.keep_checkpoints": config.run.keep_checkpoints,
        "run.updates_per_call": config.run.updates_per_call,
    }
    for name, value in counts.items():
        _whole(name, value, least=1)
    for name, value in {
        "update.chunk": update.chunk,
        "network.critic_embedding_size": network.critic_embedding_size,
        "run.devices": config.run.devices,
        "seed": config.seed,
    }.items():
        _whole(name, value, least=0)
    _within("seed", config.seed, 0, 2**32 - 1)
    _within("discount", config.discount, 0.0, 1.0)
    _within("method.lambda_", config.method.lambda_, 0.0, 1.0)
    positive: dict[str, float] = {
        "method.eta": config.method.eta,
        "method.bootstrap_limit": config.method.bootstrap_limit,
    }
    finite: dict[str, float] = {
        "update.clip": update.clip,
        "update.learning_rate": update.learning_rate,
        "update.adam_epsilon": update.adam_epsilon,
        "update.max_gradient_norm": update.max_gradient_norm,
    }
    for name, value in {**positive, **finite}.items():
        if not value > 0 or (name in finite and math.isinf(value)):
            raise UserError(f"{name}={value} must be positive{' and finite' * (name in finite)}")
    for name, value in {
        "update.value_coefficient": update.value_coefficient,
        "update.entropy_coefficient": update.entropy_coefficient,
    }.items():
        _within(name, value, 0.0, math.inf)


def _whole(name: str, value: float, least: int) -> None:
    if not (math.isfinite(value) and value == int(value) and value >= least):
        raise UserError(f"{name}={value:g} must be a whole number of at least {least}")


def _within(name: str, value: float, low: float, high: float) -> None:
    if not (low <= value <= high and math.isfinite(value)):
        raise UserError(f"{name}={value:g} must be in [{low:g}, {high:g}]")


def _check_divisions(config: Config) -> None:
    environments, steps = config.rollout.environments, config.rollout.steps
    shared = config.window.length if config.window.mode == "constant_batch" else 1
    _divides(
        environments,
        {"window.length": shared, "update.minibatches": config.update.minibatches},
        "rollout.environments",
    )
    if config.update.chunk and steps % config.update.chunk:
        raise UserError(
            f"update.chunk={config.update.chunk} must divide rollout.steps={steps}, or be 0"
        )


def _divides(total: int, factors: dict[str, int], name: str) -> None:
    product = math.prod(factors.values())
    if total % product:
        parts = " x ".join(f"{factor}={value}" for factor, value in factors.items() if value > 1)
        raise UserError(
            f"{name}={total} must be divisible by {parts}: try {_nearest_multiple(total, product)}"
        )


def _nearest_multiple(total: int, product: int) -> int:
    return max(product, round(total / product) * product)
