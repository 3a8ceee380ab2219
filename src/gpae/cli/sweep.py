"""Sweeps of ``gpae train`` whose runs are trained together."""

from typing import TYPE_CHECKING

from gpae.cli.new_runs import new_folders, of_one_seed
from gpae.cli.output import say
from gpae.cli.packed_runs import train_packed
from gpae.errors import UserError
from gpae.garbage import without_garbage_collection

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.config.schema import Config


def train_sweep(
    jobs: list[list[str]], configs: "list[Config]", begun: float, console: "Console"
) -> int:
    """Train a sweep's runs in new folders, all created after all checks; returns the exit code."""
    from gpae.runs.deadline import Deadline

    if len(configs) > 1 and any(config.run.folder for config in configs):
        raise UserError("run.folder names one folder: a sweep makes its own under run.root")
    words = [
        " ".join(job)
        for job, config in zip(jobs, configs, strict=True)
        for _ in range(config.seeds)
    ]
    runs = [run for config in configs for run in of_one_seed(config)]
    for caution in dict.fromkeys(line for run in runs for line in run.method.cautions()):
        say(console, f"note: {caution}")
    with without_garbage_collection():
        from gpae.runs.packing import prepare_runs

        prepare_runs(runs, console)
    folders = new_folders(runs)
    for number, (asked, folder) in enumerate(zip(words, folders, strict=True), start=1):
        say(console, f"run {number} of {len(runs)}: {asked}: {folder.path}")
    deadline = Deadline.of(configs[0].run.budget, begun)
    return train_packed(list(zip(runs, folders, strict=True)), console, deadline)
