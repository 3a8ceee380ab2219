"""Ours against any other trainer's command, in alternating runs.

    python -m benchmarks.compare --against "python other.py TOTAL_TIMESTEPS={steps}"

A command is a template: ``{steps}`` becomes the environment steps of a run and ``{folder}`` a new
folder of its own. Each side runs with few steps and with many, and what the many take longer is
the steady rate: start-up and compilation are in both and cancel. So that they do, JAX compiles
anew in every run. Sides alternate and change order from pair to pair, so a machine that slowly
changes its pace treats both alike.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.harness.commands import run_command
from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from gpae.arguments import whole_number
from gpae.errors import UserError

OURS = (
    "gpae train task=smax/5m_vs_6m method=mappo preset=jaxmarl total_env_steps={steps} "
    "run.folder={folder}/run evaluation.interval=1e9 evaluation.episodes=1 "
    "evaluation.absolute=false run.checkpoint_interval=1e9"
)
SIDES = ("ours", "against")


def run_seconds(template: str, steps: int) -> float:
    """Seconds of a command, from the start of its process to its end."""
    with tempfile.TemporaryDirectory(prefix="gpae-compare-") as folder:
        started = time.perf_counter()
        run_command(template, {"JAX_ENABLE_COMPILATION_CACHE": "false"}, steps=steps, folder=folder)
        return time.perf_counter() - started


def steady(template: str, short: int, long: int) -> dict[str, float]:
    """The seconds of a short and of a long run, and the env steps a second between them."""
    seconds = {steps: run_seconds(template, steps) for steps in (short, long)}
    difference = seconds[long] - seconds[short]
    if difference <= 0.0:
        raise UserError(
            f"{long} steps took no longer than {short}: take more steps for the long run"
        )
    return {"short": seconds[short], "long": seconds[long], "rate": (long - short) / difference}


def measure_pair(templates: dict[str, str], short: int, long: int, number: int) -> dict:
    """Both sides, every second time in the other order."""
    order = SIDES if number % 2 else SIDES[::-1]
    measured = {side: steady(templates[side], short, long) for side in order}
    return {side: measured[side] for side in SIDES}


def compare(parsed: argparse.Namespace) -> None:
    templates = {"ours": parsed.ours, "against": parsed.against}
    short, long = parsed.steps
    document = new_document("compare", **templates, steps=[short, long], pairs=[])
    for number in range(1, parsed.pairs + 1):
        pair = measure_pair(templates, short, long, number)
        document["pairs"].append(pair)
        write_document(parsed.output, document)
        rates = {side: pair[side]["rate"] for side in SIDES}
        print(
            f"pair {number}: ours {rates['ours']:,.0f}, against {rates['against']:,.0f} "
            f"env steps/s, ratio {rates['ours'] / rates['against']:.2f}",
            flush=True,
        )
    print(f"\n{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ours", default=OURS, help=f"our command; by default: {OURS}")
    parser.add_argument("--against", required=True, help="the other command")
    parser.add_argument(
        "--steps",
        type=int,
        nargs=2,
        metavar=("SHORT", "LONG"),
        default=(2**16, 2**19),
        help="env steps of the two runs; whole updates of both sides (default: %(default)s)",
    )
    parser.add_argument(
        "--pairs", type=whole_number(1), default=5, help="alternations (default: %(default)s)"
    )
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/compare.json"))
    parsed = parser.parse_args()
    if not 0 < parsed.steps[0] < parsed.steps[1] or parsed.pairs < 1:
        parser.error("--steps must rise from 1 up, and --pairs be at least 1")
    return parsed


if __name__ == "__main__":
    sys.exit(run_script(compare, arguments))
