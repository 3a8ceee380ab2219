"""The command ``gpae curves``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_curves(commands: Commands) -> None:
    """Register ``gpae curves``."""
    curves = commands.add_parser("curves", help="draw runs' learning curves, averaged over seeds")
    curves.add_argument("runs", type=Path, nargs="+", help="run folders")
    curves.add_argument("--output", type=Path, default=Path("curves.png"), help="the picture")
    curves.add_argument("--marl-eval", type=Path, help="also export the runs in marl-eval's layout")
    curves.add_argument("--metric", help="the metric (default: the headline metric)")
    curves.set_defaults(command=_curves)


def _curves(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.report.curves import compare_curves
    from gpae.report.grouping import group_runs
    from gpae.report.marl_eval import export

    groups = group_runs(parsed.runs)
    compare_curves(groups, parsed.output, parsed.metric)
    say(console, f"curves of {len(parsed.runs)} runs in {parsed.output}")
    if parsed.marl_eval is not None:
        export(parsed.runs, parsed.marl_eval)
        say(console, f"marl-eval records in {parsed.marl_eval}")
    return 0
