"""Costs of credit and reuse: updates of several methods, in processes that take turns.

    python -m benchmarks.overhead [--only METHOD] [OVERRIDES]

Every method makes the same gradient steps on update batches of the same size. Each round times an
update of every one, and in every round another one begins; ratios are within rounds, so a machine
that slowly changes its pace treats all alike.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

from benchmarks.harness.alternation import Training, alternate, training_processes
from benchmarks.harness.documents import new_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from gpae.arguments import whole_number

COMMON = ["task=smax/5m_vs_6m", "preset=jaxmarl", "run.updates_per_call=1"]
REFERENCE = "MAPPO, M = 1"
VARIANTS = {
    REFERENCE: "method=mappo window.length=1",
    "GPAE, M = 1": "method=gpae window.length=1",
    "DAE, M = 1": "method=dae window.length=1",
    "COMA, M = 1": "method=coma window.length=1",
    "MAPPO, M = 4, joint traces": "method=mappo window.length=4 method.trace_scheme=joint",
    "GPAE, M = 4, double traces": "method=gpae window.length=4 method.trace_scheme=double",
    "GPAE, M = 4, double traces, corrected bootstrap": (
        "method=gpae window.length=4 method.trace_scheme=double method.bootstrap=corrected"
    ),
}


def measure(parsed: argparse.Namespace) -> None:
    common = [*COMMON, *parsed.overrides]
    variants = {name: VARIANTS[name] for name in [REFERENCE, *parsed.only]}
    document = new_document("overhead", reference=REFERENCE, variants=variants, common=common)
    makers = {
        name: partial(Training, [*common, *words.split()]) for name, words in variants.items()
    }
    with training_processes(makers) as trainings:
        for training in trainings.values():
            for _ in range(parsed.warmup):
                training.update()
        alternate(trainings, parsed.rounds, document, parsed.output)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="for all of them: task=smax/10m_vs_11m")
    others = [name for name in VARIANTS if name != REFERENCE]
    parser.add_argument(
        "--only",
        action="append",
        choices=others,
        metavar="METHOD",
        help=f"leave out the others; may be repeated: {'; '.join(others)}",
    )
    parser.add_argument("--rounds", type=whole_number(1), default=14, help="default: %(default)s")
    parser.add_argument(
        "--warmup", type=int, default=5, help="updates before, which also fill the window"
    )
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/overhead.json"))
    parsed = parser.parse_args()
    parsed.only = parsed.only or others
    return parsed


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
