"""The command ``gpae credit``."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_credit(commands: Commands) -> None:
    """Register ``gpae credit``."""
    credit = commands.add_parser(
        "credit", help="simulate the true credit of a run's agents, and judge its estimators"
    )
    credit.add_argument("run", type=Path, help="the run's folder")
    for name, number, meaning in (
        ("states", 64, "states to measure at, up to 2048"),
        ("repetitions", 64, "repetitions of the simulated truth"),
        ("samples", 32, "samples of each estimator"),
    ):
        credit.add_argument(
            f"--{name}",
            type=whole_number(2, 2048),
            default=number,
            help=f"{meaning} (default: %(default)s)",
        )
    add_imports(credit)
    add_checkpoint(credit)
    credit.add_argument(
        "--seed",
        type=whole_number(0, 2**32 - 1),
        default=0,
        help="seed of the measurement (default: %(default)s)",
    )
    credit.add_argument("--output", type=Path, help="folder for the results as JSON and a plot")
    credit.set_defaults(command=_credit)


def _credit(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folder = RunFolder.open(parsed.run)
    config = from_dict(folder.config, parsed.imports)
    prepare_jax(config.run.devices, task=config.task_name)
    from gpae.report.credit import save_credit, show_credit
    from gpae.runs.credit import CreditSettings, measure_credit

    settings = CreditSettings(parsed.states, parsed.repetitions, parsed.samples, parsed.seed)
    tell = partial(say, console)
    report = measure_credit(config, folder, settings, checkpoint=parsed.checkpoint, say=tell)
    show_credit(report, console)
    if parsed.output is not None:
        for path in save_credit(report, parsed.output):
            tell(f"written {path}")
    return 0
