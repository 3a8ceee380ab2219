"""What credit and reuse cost: updates of several methods, alternated in one process.

    python benchmarks/overhead.py

Every method makes the same gradient steps on update batches of the same size. Each round times an
update of every one, and in every round another one begins; ratios are within rounds, so a machine
that slowly changes its pace treats all alike.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any

from gpae.bench.documents import new_document, write_document
from gpae.bench.table import render
from gpae.bench.timing import timed
from gpae.config.compose import compose
from gpae.errors import UserError
from gpae.runs.devices import prepare_jax
from gpae.runs.system import System

COMMON = ["task=smax/5m_vs_6m", "preset=jaxmarl", "run.updates_per_call=1"]
REFERENCE = "MAPPO, M = 1"
VARIANTS = {
    REFERENCE: "method=mappo window.length=1",
    "GPAE, M = 1": "method=gpae window.length=1",
    "DAE, M = 1": "method=dae window.length=1",
    "COMA, M = 1": "method=coma window.length=1",
    "MAPPO, M = 4, joint traces": "method=mappo window.length=4 method.traces=joint",
    "GPAE, M = 4, double traces": "method=gpae window.length=4 method.traces=double",
    "GPAE, M = 4, double traces, corrected bootstrap": (
        "method=gpae window.length=4 method.traces=double method.bootstrap=corrected"
    ),
}


class Variant:
    """A method in training, an update at a time."""

    def __init__(self, overrides: list[str]) -> None:
        config = compose(overrides)
        prepare_jax(config.run.devices)
        self.system = System(config)
        self.state: Any = self.system.runner.initial_state(config.seed)

    def update(self) -> float:
        """Make an update, and say how long it took."""
        seconds, (self.state, *_) = timed(partial(self.system.runner.run, self.state, 1))
        return seconds


def measure(parsed: argparse.Namespace) -> None:
    common = [*COMMON, *parsed.overrides]
    variants = {name: Variant([*common, *words.split()]) for name, words in VARIANTS.items()}
    document = new_document("overhead", reference=REFERENCE, variants=VARIANTS, common=common)
    document["seconds"] = {name: [] for name in VARIANTS}
    for variant in variants.values():
        for _ in range(parsed.warmup):
            variant.update()
    names = list(variants)
    for number in range(parsed.rounds):
        start = number % len(names)
        for name in names[start:] + names[:start]:
            document["seconds"][name].append(variants[name].update())
        write_document(parsed.output, document)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="for all of them: task=smax/10m_vs_11m")
    parser.add_argument("--rounds", type=int, default=14, help="default: %(default)s")
    parser.add_argument(
        "--warmup", type=int, default=5, help="updates before, which also fill the window"
    )
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/overhead.json"))
    return parser.parse_args()


if __name__ == "__main__":
    try:
        measure(arguments())
    except UserError as error:
        sys.exit(f"overhead: {error}")
