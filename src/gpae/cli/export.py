"""The command ``gpae export``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.cli.options import add_checkpoint, add_imports
from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_export(commands: Commands) -> None:
    """Register ``gpae export``."""
    export = commands.add_parser(
        "export", help="write a run's policy as safetensors and JSON, for other programs"
    )
    export.add_argument("run", type=Path, help="the run's folder")
    export.add_argument(
        "--out", type=Path, required=True, metavar="FOLDER", help="the folder of the two files"
    )
    export.add_argument(
        "--best", action="store_true", help="export the best parameters instead of the last ones"
    )
    add_imports(export)
    add_checkpoint(export)
    export.set_defaults(command=_export)


def _export(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.runs.export import export_policy
    from gpae.runs.team_policy import load_policy

    policy = load_policy(parsed.run, best=parsed.best, checkpoint=parsed.checkpoint)
    for path in export_policy(policy.spec, policy.params, policy.update, parsed.out):
        say(console, f"written {path}, of update {policy.update}")
    return 0
