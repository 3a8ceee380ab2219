"""The command ``gpae resume``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import duration
from gpae.cli.endings import conclude
from gpae.cli.one_system import put_together, train_to_the_end
from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.output import say
from gpae.cli.packed_runs import train_packed
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.config.schema import Config
    from gpae.runs import RunFolder


def add_resume(commands: Commands) -> None:
    """Register ``gpae resume``."""
    resume = commands.add_parser("resume", help="continue a run from its newest checkpoint")
    resume.add_argument(
        "run", type=Path, nargs="+", help="a run's folder, or several, or a folder of run folders"
    )
    add_imports(resume)
    add_checkpoint(resume)
    resume.add_argument(
        "--budget", type=duration, metavar="TIME", help="stop again after this time, such as 13m"
    )
    resume.set_defaults(command=_resume)


def _resume(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.config.compose import from_dict
    from gpae.runs.deadline import Deadline
    from gpae.runs.folder import refuse_repeated, runs_at, same_but_for_seeds

    deadline = Deadline.of(parsed.budget)
    folders = [folder for path in parsed.run for folder in runs_at(path)]
    refuse_repeated(folders)
    configs = [from_dict(folder.config, parsed.imports) for folder in folders]
    if len(folders) > 1 and parsed.checkpoint is None:
        _note_changes(folders, configs, console)
        together = None if len(parsed.run) < len(folders) else str(len(folders))
        return train_packed(list(zip(configs, folders, strict=True)), console, deadline, together)
    same_but_for_seeds(folders)
    system, _ = put_together(configs[0], [each.seed for each in configs])
    _note_changes(folders, configs, console, system.population.devices_a_run)
    outcomes = train_to_the_end(system, folders, console, parsed.checkpoint, deadline)
    conclude(folders, outcomes, console)
    return 0


def _note_changes(
    folders: "Sequence[RunFolder]",
    configs: "Sequence[Config]",
    console: "Console",
    devices: int | None = None,
) -> None:
    """Say by what runs may not continue bit for bit.

    Args:
        folders: The runs.
        configs: Their configurations.
        console: Where it is said.
        devices: Over how many each is now split; None where that is said elsewhere.
    """
    for folder, config in zip(folders, configs, strict=True):
        changes = _changes(folder, config.run.devices, devices or config.run.devices)
        if changes:
            say(console, f"note: may not continue bit for bit: {'; '.join(changes)}")


def _changes(folder: "RunFolder", devices_before: int, devices: int) -> list[str]:
    """Differences from the versions and devices that the run began with."""
    from gpae.runs import changed_versions, versions

    recorded = folder.versions()
    changes = changed_versions(recorded, versions(recorded.get("smax_rules", "0.2")))
    if devices_before not in (0, devices):
        changes.append(f"devices: {devices_before} -> {devices}")
    return changes
