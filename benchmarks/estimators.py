"""Estimator kernels alone against rlax's on equal shapes, in alternating calls on one device.

    python -m benchmarks.estimators

rlax's functions are of one agent in one environment, and are mapped over both.
"""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import rlax

from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from gpae import estimators
from gpae.arguments import whole_number

LAMBDA = 0.95

Kernel = Callable[[dict[str, jax.Array]], Any]


def make_window(steps: int, environments: int, agents: int) -> dict[str, jax.Array]:
    """Random steps in episodes of about 50, [T, E] and [T, E, N]."""
    random = np.random.default_rng(0)
    values = random.normal(size=(steps + 1, environments, agents))
    ended = random.random((steps, environments)) < 0.02
    window = {
        "rewards": random.normal(size=(steps, environments)),
        "discounts": np.where(ended, 0.0, 0.99),
        "all_values": values,
        "values": values[:-1],
        "next_values": values[1:],
        "log_ratios": 0.2 * random.normal(size=(steps, environments, agents)),
    }
    placed = {name: jnp.asarray(array, jnp.float32) for name, array in window.items()}
    return {**placed, "boundaries": jnp.asarray(ended)}


def chosen(window: dict[str, jax.Array], *names: str) -> dict[str, jax.Array]:
    return {name: window[name] for name in names}


def our_gae(window: dict[str, jax.Array]) -> jax.Array:
    of_team = {name: window[name][..., 0] for name in ("values", "next_values")}
    shared = chosen(window, "rewards", "discounts", "boundaries")
    return estimators.gae(**shared, **of_team, lambda_=LAMBDA)


def rlax_gae(window: dict[str, jax.Array]) -> jax.Array:
    one = jax.vmap(gae_of_one, in_axes=1, out_axes=1)
    return one(window["rewards"], window["discounts"], window["all_values"][..., 0])


def our_gpae(window: dict[str, jax.Array]) -> jax.Array:
    names = ("rewards", "values", "next_values", "discounts", "boundaries")
    return estimators.gpae(**chosen(window, *names), traces=LAMBDA)


def rlax_gpae(window: dict[str, jax.Array]) -> jax.Array:
    agents = jax.vmap(gae_of_one, in_axes=(None, None, 1), out_axes=1)
    each = jax.vmap(agents, in_axes=1, out_axes=1)
    return each(window["rewards"], window["discounts"], window["all_values"])


def our_off_policy(window: dict[str, jax.Array]) -> tuple[jax.Array, jax.Array]:
    """Double traces, advantages and targets."""
    names = ("rewards", "values", "next_values", "discounts", "boundaries")
    traces = estimators.traces("double", window["log_ratios"], LAMBDA)
    advantages = estimators.gpae(**chosen(window, *names), traces=traces)
    targets = estimators.value_targets(window["values"], advantages, window["log_ratios"])
    return advantages, targets


def rlax_off_policy(window: dict[str, jax.Array]) -> Any:
    """V-trace of each agent by itself: errors, advantages and returns."""
    agents = jax.vmap(vtrace_of_one, in_axes=(None, None, 1, 1, 1), out_axes=1)
    each = jax.vmap(agents, in_axes=1, out_axes=1)
    names = ("rewards", "discounts", "values", "next_values", "log_ratios")
    return each(*chosen(window, *names).values())


def gae_of_one(rewards: jax.Array, discounts: jax.Array, values: jax.Array) -> jax.Array:
    return rlax.truncated_generalized_advantage_estimation(rewards, discounts, LAMBDA, values)


def vtrace_of_one(
    rewards: jax.Array,
    discounts: jax.Array,
    values: jax.Array,
    next_values: jax.Array,
    log_ratios: jax.Array,
) -> Any:
    return rlax.vtrace_td_error_and_advantage(
        values, next_values, rewards, discounts, jnp.exp(log_ratios), LAMBDA
    )


KERNELS: dict[str, tuple[Kernel, Kernel]] = {
    "GAE of the team": (our_gae, rlax_gae),
    "GPAE, on-policy": (our_gpae, rlax_gpae),
    "GPAE, double traces and targets, against V-trace": (our_off_policy, rlax_off_policy),
}


def alternating_seconds(
    kernels: tuple[Kernel, Kernel], window: dict[str, jax.Array], repeats: int, calls: int
) -> dict[str, list[float]]:
    """Seconds a call, each the mean of several calls in a row."""
    compiled = [jax.jit(kernel) for kernel in kernels]
    for run in compiled:
        jax.block_until_ready(run(window))
    seconds: dict[str, list[float]] = {"ours": [], "rlax": []}
    for _ in range(repeats):
        for side, run in zip(seconds, compiled, strict=True):
            started = time.perf_counter()
            for _ in range(calls):
                jax.block_until_ready(run(window))
            seconds[side].append((time.perf_counter() - started) / calls)
    return seconds


def measure(parsed: argparse.Namespace) -> None:
    shapes = {name: getattr(parsed, name) for name in ("steps", "environments", "agents")}
    window = make_window(**shapes)
    document = new_document(
        "estimators",
        shapes=", ".join(f"{size} {name}" for name, size in shapes.items()),
        seconds={},
    )
    for name, kernels in KERNELS.items():
        document["seconds"][name] = alternating_seconds(
            kernels, window, parsed.repeats, parsed.calls
        )
    write_document(parsed.output, document)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (("steps", 128), ("environments", 128), ("agents", 5)):
        parser.add_argument(f"--{name}", type=whole_number(1), default=default)
    parser.add_argument("--repeats", type=whole_number(1), default=30, help="alternations")
    parser.add_argument("--calls", type=whole_number(1), default=20, help="calls of each in a row")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/estimators.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
