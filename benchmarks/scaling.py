"""Cost over agents, environments, the window and devices.

    python -m benchmarks.scaling [CURVE ...]

Each curve is a grid for ``python -m benchmarks`` in which one setting varies. Rollouts are short,
so that all curves together take minutes; rates of different curves do not compare.
"""

import argparse
import sys
from pathlib import Path

from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.grid import expand
from benchmarks.harness.scripts import run_script
from benchmarks.harness.suite import measure
from benchmarks.harness.table import render
from gpae.arguments import whole_number

COMMON = ["evaluation.episodes=32", "run.updates_per_call=1"]
CURVES = {
    "agents": [
        "task=smax/3m,smax/5m_vs_6m,smax/8m,smax/10m_vs_11m,smax/25m,smax/27m_vs_30m",
        "method=gpae",
        "window.length=1",
        "rollout.environments=32",
        "rollout.steps=32",
    ],
    "environments": [
        "task=smax/3m",
        "method=gpae",
        "window.length=1",
        "rollout.environments=16,64,256,1024,2048",
        "rollout.steps=16",
    ],
    "window": [
        "task=smax/5m_vs_6m",
        "method=gpae",
        "window.length=1,2,4,8,16",
        "rollout.environments=128",
        "rollout.steps=32",
    ],
    "devices": [
        "task=smax/5m_vs_6m",
        "method=gpae",
        "window.length=1",
        "rollout.environments=128",
        "rollout.steps=32",
        "run.devices=1,2",
    ],
}


def run(parsed: argparse.Namespace) -> None:
    repeats, output = parsed.repeats, parsed.output
    grids = {name: expand([*CURVES[name], *COMMON]) for name in parsed.curves or CURVES}
    document = new_document("scaling", repeats=repeats, curves={name: [] for name in grids})
    for name, cases in grids.items():
        for number, case in enumerate(cases, start=1):
            print(f"{name}, {number} of {len(cases)}: {' '.join(case)}", flush=True)
            document["curves"][name].append(measure(case, repeats=repeats, cold=False))
            write_document(output, document)
    print(f"\n{render(document)}\n\nraw numbers in {output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("curves", nargs="*", metavar="CURVE", help=", ".join(CURVES))
    parser.add_argument("--repeats", type=whole_number(2), default=5)
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/scaling.json"))
    parsed = parser.parse_args()
    unknown = [name for name in parsed.curves if name not in CURVES]
    if unknown:
        parser.error(f"no curve {unknown[0]!r}; there are {', '.join(CURVES)}")
    return parsed


if __name__ == "__main__":
    sys.exit(run_script(run, arguments))
