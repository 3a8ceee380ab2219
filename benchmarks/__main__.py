"""Times of training by phase, for tasks x methods x M.

    python -m benchmarks [OVERRIDES]

Every combination of settings is measured in processes of its own. By default: smax/3m and
smax/5m_vs_6m, mappo and gpae, window.length 1 and 4.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.harness.grid import expand
from benchmarks.harness.scripts import Parser, run_script
from benchmarks.harness.suite import run_suite
from benchmarks.harness.table import render
from gpae.arguments import whole_number


def measure(parsed: argparse.Namespace) -> None:
    document = run_suite(
        expand(parsed.overrides),
        parsed.output,
        repeats=parsed.repeats,
        cold=not parsed.no_cold,
        report=lambda line: print(line, flush=True),
    )
    print(f"\n{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = Parser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("overrides", nargs="*", metavar="KEY=VALUES", help="as for `gpae train -m`")
    parser.add_argument(
        "--repeats",
        type=whole_number(2),
        default=7,
        help="repetitions of each measurement (default: %(default)s)",
    )
    parser.add_argument(
        "--no-cold", action="store_true", help="skip the start without a cache of compiled programs"
    )
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("benchmarks/results/bench.json"),
        help="the raw numbers, as JSON (default: %(default)s)",
    )
    return parser.parse_intermixed_args()


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
