"""Bytes of the window for every SMAX task and M, from shapes alone: nothing is run.

python -m benchmarks.memory [OVERRIDES]
"""

import argparse
import sys
from pathlib import Path

from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from gpae.config.compose import compose
from gpae.environments import all_tasks
from gpae.errors import UserError
from gpae.runs.memory import MemoryNeed
from gpae.runs.system import System

COMMON = ["method=gpae", "preset=jaxmarl"]
WINDOWS = {
    "M = 1": ["window.length=1"],
    "M = 4, constant batch": ["window.length=4"],
    "M = 16, constant batch": ["window.length=16"],
    "M = 4, growing batch": ["window.length=4", "window.mode=growing_batch"],
    "M = 16, growing batch": ["window.length=16", "window.mode=growing_batch"],
}


def needs(overrides: list[str]) -> dict[str, int]:
    """Bytes of the window, of the whole state and of an update batch."""
    need = MemoryNeed(System(compose(overrides)).population)
    return {"window": need.experience, "state": need.state, "batch": need.batch}


def measure(parsed: argparse.Namespace) -> None:
    common = [*COMMON, *parsed.overrides]
    tasks = [task.name for task in all_tasks() if task.name.startswith(parsed.family)]
    if not tasks:
        raise UserError(f"no task's name begins with {parsed.family!r}; `gpae tasks` lists them")
    document = new_document("memory", common=common, tasks={})
    for task in tasks:
        document["tasks"][task] = {
            window: needs([f"task={task}", *common, *words]) for window, words in WINDOWS.items()
        }
        write_document(parsed.output, document)
    print(f"{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("overrides", nargs="*", help="for all of them: rollout.steps=64")
    parser.add_argument("--family", default="smax/", help="tasks whose names begin like this")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/memory.json"))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
