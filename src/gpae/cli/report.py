"""The command ``gpae report``."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.cli.output import say
from gpae.cli.parser import Commands

if TYPE_CHECKING:
    from rich.console import Console


def add_report(commands: Commands) -> None:
    """Register ``gpae report``."""
    report = commands.add_parser(
        "report", help="compare runs: curves, tables and statistics, as a page and as files"
    )
    report.add_argument(
        "runs", type=Path, nargs="+", help="run folders, or folders that hold run folders"
    )
    report.add_argument("--out", type=Path, default=Path("report"), help="the folder to write to")
    report.add_argument("--title", default="Comparison of runs", help="the title of the page")
    report.add_argument("--metric", help="the metric (default: each task's headline metric)")
    report.add_argument(
        "--threshold",
        type=float,
        action="append",
        default=[],
        metavar="SCORE",
        help="a score whose env steps are counted (again for more; default: by the task)",
    )
    report.add_argument(
        "--rename",
        nargs=2,
        action="append",
        default=[],
        metavar=("METHOD", "NAME"),
        help="a name of your own for a method, by the name that the report gives it",
    )
    report.set_defaults(command=_report)


def _report(parsed: argparse.Namespace, console: "Console") -> int:
    from gpae.report.document import write_report
    from gpae.runs.folder import refuse_repeated, runs_at

    runs = [run for path in parsed.runs for run in runs_at(path)]
    refuse_repeated(runs)
    files = write_report(
        [run.path for run in runs],
        parsed.out,
        title=parsed.title,
        metric=parsed.metric,
        thresholds=parsed.threshold,
        renamed=dict(parsed.rename),
    )
    say(console, f"report on {len(runs)} runs in {files[0]}, with {len(files) - 1} files beside it")
    return 0
