"""Several seeds in one process against the same runs one after the other.

    python -m benchmarks.seeds

Both make the same updates, in alternating rounds of one process; compilation, which seeds made
together also share, is not in the times.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from benchmarks.harness.timing import timed
from gpae.arguments import whole_number
from gpae.config.compose import compose
from gpae.runs.devices import prepare_jax
from gpae.runs.system import System

COMMON = ["task=smax/3m", "method=gpae", "run.updates_per_call=1"]
CASES = {
    "tiny": (
        "window.length=1 network.core=feedforward network.hidden_size=32 "
        "rollout.environments=8 rollout.steps=32"
    ),
    "small": "window.length=1 rollout.environments=16 rollout.steps=32",
    "preset jaxmarl": "preset=jaxmarl window.length=1",
}


def alternating_seconds(
    overrides: list[str], seeds: range, rounds: int, warmup: int
) -> dict[str, list[float]]:
    """Seconds of an update of all seeds, together and one after the other."""
    config = compose(overrides)
    prepare_jax()
    alone, together = System(config), System(config, seeds)
    singles = [alone.population.initial_state(seed) for seed in seeds]
    joined: Any = together.population.initial_state(*seeds)
    seconds: dict[str, list[float]] = {"alone": [], "together": []}
    for _ in range(warmup + rounds):
        total = 0.0
        for number, state in enumerate(singles):
            taken, (singles[number], _) = timed(partial(alone.population.run, state, 1))
            total += taken
        seconds["alone"].append(total)
        taken, (joined, _) = timed(partial(together.population.run, joined, 1))
        seconds["together"].append(taken)
    return {name: times[warmup:] for name, times in seconds.items()}


def measure(parsed: argparse.Namespace) -> None:
    document = new_document("seeds", common=COMMON, cases=CASES, seconds={})
    for name, words in CASES.items():
        for count in parsed.seeds:
            overrides = [*COMMON, *words.split()]
            times = alternating_seconds(overrides, range(count), parsed.rounds, warmup=2)
            document["seconds"][f"{name}, {count} seeds"] = times
            write_document(parsed.output, document)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=whole_number(1), nargs="+", default=[4, 5], help="how many together"
    )
    parser.add_argument("--rounds", type=whole_number(1), default=6, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/seeds.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
