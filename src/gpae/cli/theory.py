"""The command ``gpae theory``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_theory(commands: Commands) -> None:
    """Register ``gpae theory``."""
    theory = commands.add_parser("theory", help="check the theory exactly on finite games")
    theory.add_argument("--seed", type=whole_number(0), default=0, help="seed of the random games")
    theory.add_argument("--output", type=Path, help="folder for the results as JSON and the plots")
    theory.set_defaults(command=_theory)


def _theory(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.exact import theory
    from gpae.runs.files import disk_errors

    with disk_errors(f"write to {parsed.output}"):
        if parsed.output is not None:
            parsed.output.mkdir(parents=True, exist_ok=True)
        theory.run(console, parsed.output, parsed.seed)
    return 0
