"""Effects of XLA's options, in processes that take turns and differ in nothing else.

    python -m benchmarks.compiler

The reference is compiled as the library compiles; each other program has an option more, or one
of another value.
"""

import argparse
import sys
from functools import partial
from pathlib import Path
from unittest.mock import patch

from benchmarks.harness.alternation import Training, alternate, training_processes
from benchmarks.harness.documents import new_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from gpae.arguments import whole_number
from gpae.kernels.compiler import compiler_options
from gpae.runs.devices import prepare_jax

COMMON = ["task=smax/5m_vs_6m", "preset=jaxmarl", "method=mappo", "run.updates_per_call=1"]
REFERENCE = "as it is"
LIBRARY = "xla_cpu_experimental_ynn_fusion_type"
OPTIONS = {
    REFERENCE: {},
    "XLA's defaults": None,
    "products by the library": {LIBRARY: "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT"},
    "products on one thread": {"xla_cpu_multi_thread_eigen": False},
    "an order for little memory": {"xla_cpu_scheduler_type": "CPU_SCHEDULER_TYPE_MEMORY_OPTIMIZED"},
    "copies decided by regions": {"xla_cpu_copy_insertion_use_region_analysis": True},
    "the preset for fast programs": {"xla_cpu_opt_preset": "CPU_OPT_PRESET_FAST_RUNTIME"},
    "wider vectors": {"xla_cpu_prefer_vector_width": 512},
}
"""By name, what is added to the library's own options; None for no options at all."""


def compiled(options: dict[str, str | int] | None, overrides: list[str]) -> Training:
    """A training that has made its first update, compiled with these options."""
    prepare_jax()
    chosen = {} if options is None else {**compiler_options(), **options}
    with patch("gpae.training.population.compiler_options", return_value=chosen):
        training = Training(overrides)
        training.update()
    return training


def measure(parsed: argparse.Namespace) -> None:
    common = [*COMMON, *parsed.overrides]
    variants = {name: str(options) for name, options in OPTIONS.items()}
    document = new_document("overhead", reference=REFERENCE, variants=variants, common=common)
    makers = {name: partial(compiled, options, common) for name, options in OPTIONS.items()}
    with training_processes(makers) as trainings:
        alternate(trainings, parsed.rounds, document, parsed.output)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="for all of them: task=smax/10m_vs_11m")
    parser.add_argument("--rounds", type=whole_number(1), default=10, help="default: %(default)s")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/compiler.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
