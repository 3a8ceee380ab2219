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

    from gpae.runs.credit import CreditSettings


def add_credit(commands: Commands) -> None:
    """Register ``gpae credit``."""
    credit = commands.add_parser(
        "credit", help="simulate the true credit of a run's agents, and judge its estimators"
    )
    credit.add_argument("runs", type=Path, nargs="+", metavar="run", help="the run's folder")
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
    _add_critics(credit)
    credit.add_argument("--output", type=Path, help="folder for the results: JSON, NumPy, a plot")
    credit.set_defaults(command=_credit)


def _add_critics(credit: argparse.ArgumentParser) -> None:
    credit.add_argument(
        "--critics",
        type=lambda text: tuple(filter(None, (each.strip() for each in text.split(",")))),
        default=(),
        metavar="CRITIC,...",
        help="critics to train on the same data of the run's policy: methods, each with settings "
        "of its own after it, as in 'mappo,gpae,gpae network.hidden_size=256'",
    )
    credit.add_argument(
        "--batches",
        type=whole_number(1),
        default=64,
        help="rollouts to train them on (default: %(default)s)",
    )
    credit.add_argument(
        "--gradient-steps",
        type=whole_number(1),
        help="gradient steps of each (default: the run's own on each batch)",
    )


def _credit(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs import RunFolder
    from gpae.runs.devices import prepare_jax

    folders = [RunFolder.open(path) for path in parsed.runs]
    configs = [from_dict(folder.config, parsed.imports) for folder in folders]
    prepare_jax(configs[0].run.devices, task=configs[0].task_name)
    from gpae.report.credit import save_credit, show_credit
    from gpae.report.credit_runs import names_of, save_over_runs, show_over_runs
    from gpae.runs.credit import measure_credit
    from gpae.runs.credit_critics import choose_critics

    settings, tell = _settings(parsed), partial(say, console)
    for config in configs:
        choose_critics(config, settings.training)
    reports = {}
    for name, config, folder in zip(names_of(folders), configs, folders, strict=True):
        if len(folders) > 1:
            tell(f"run {name}")
        report = measure_credit(config, folder, settings, checkpoint=parsed.checkpoint, say=tell)
        show_credit(report, console)
        reports[name] = report
        if parsed.output is not None:
            place = parsed.output / name if len(folders) > 1 else parsed.output
            for path in save_credit(report, place):
                tell(f"written {path}")
    if len(reports) > 1:
        show_over_runs(reports, console)
        if parsed.output is not None:
            tell(f"written {save_over_runs(reports, parsed.output)}")
    return 0


def _settings(parsed: argparse.Namespace) -> "CreditSettings":
    from gpae.runs.credit import CreditSettings
    from gpae.runs.credit_critics import CriticTraining

    training = CriticTraining(parsed.critics, parsed.batches, parsed.gradient_steps, parsed.seed)
    return CreditSettings(parsed.states, parsed.repetitions, parsed.samples, parsed.seed, training)
