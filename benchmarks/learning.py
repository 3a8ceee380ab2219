"""Learning curves of ours against any other trainer's, seed by seed.

    python -m benchmarks.learning --against "python other.py {steps} {seed} {folder}/log.jsonl"

A command is a template: ``{steps}`` becomes the environment steps of a run, ``{seed}`` its seed and
``{folder}`` a new folder of its own, in which it leaves its curve, an update a line, as
``log.jsonl`` (ours as ``run/metrics.jsonl``). Runs that are in the output already are not made
again, so more seeds can be added later.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.harness.commands import run_command
from benchmarks.harness.documents import new_document, read_document, write_document
from benchmarks.harness.learning import read_curves
from benchmarks.harness.scripts import run_script
from benchmarks.harness.table import render
from gpae.arguments import whole_number
from gpae.errors import UserError
from gpae.runs import versions

OURS = (
    "gpae train task=smax/3m method=mappo window.length=1 preset=jaxmarl total_env_steps={steps} "
    "seed={seed} run.folder={folder}/run evaluation.interval=1e9 evaluation.episodes=1 "
    "evaluation.absolute=false run.checkpoint_interval=1e9"
)
CURVES = {"ours": "run/metrics.jsonl", "against": "log.jsonl"}


def make_run(side: str, template: str, steps: int, seed: int) -> dict[str, list[float]]:
    """The curves of one run."""
    with tempfile.TemporaryDirectory(prefix="gpae-learning-") as folder:
        run_command(template, steps=steps, seed=seed, folder=folder)
        return read_curves(Path(folder) / CURVES[side])


def opened(output: Path, settings: dict) -> dict:
    """The document so far, or a new one."""
    if not output.exists():
        return new_document("learning", **settings, runs={})
    document = read_document(output)
    if any(document.get(name) != value for name, value in settings.items()):
        raise UserError(f"{output} holds other runs; name another file with --output")
    if document["versions"]["git"] != versions()["git"]:
        raise UserError(f"{output} holds runs of another commit; name another file with --output")
    return document


def measure(parsed: argparse.Namespace) -> None:
    templates = {"ours": parsed.ours, "against": parsed.against}
    document = opened(parsed.output, {**templates, "steps": parsed.steps})
    for seed in range(parsed.seeds):
        run = document["runs"].setdefault(str(seed), {})
        for side in CURVES:
            if side not in run:
                run[side] = make_run(side, templates[side], parsed.steps, seed)
                write_document(parsed.output, document)
                print(f"seed {seed}, {side}: done", flush=True)
    print(f"\n{render(document)}\n\nraw numbers in {parsed.output}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ours", default=OURS, help=f"our command; by default: {OURS}")
    parser.add_argument("--against", required=True, help="the other command")
    parser.add_argument("--steps", type=whole_number(1), default=2**20, help="env steps of a run")
    parser.add_argument(
        "--seeds", type=whole_number(2), default=5, help="seeds, from 0 up; at least 2"
    )
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/learning.json"))
    parsed = parser.parse_args()
    if parsed.steps < 1 or parsed.seeds < 2:
        parser.error("--steps must be at least 1, and --seeds at least 2")
    return parsed


if __name__ == "__main__":
    sys.exit(run_script(measure, arguments))
