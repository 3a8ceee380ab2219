"""The command ``gpae tensorboard``."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from gpae.arguments import whole_number
from gpae.cli.output import say
from gpae.cli.parser import Commands
from gpae.errors import UserError

if TYPE_CHECKING:
    from rich.console import Console

    from gpae.runs import RunFolder


def add_tensorboard(commands: Commands) -> None:
    """Register ``gpae tensorboard``."""
    command = commands.add_parser("tensorboard", help="open TensorBoard on runs")
    command.add_argument(
        "runs", type=Path, nargs="+", help="run folders, or folders that hold run folders"
    )
    command.add_argument(
        "--port", type=whole_number(0), default=6006, help="the port (0 for any that is free)"
    )
    command.set_defaults(command=_tensorboard)


def _tensorboard(parsed: argparse.Namespace, console: "Console") -> int:
    import subprocess

    from gpae.extras import missing_extras
    from gpae.runs.folder import runs_at

    with missing_extras("gpae tensorboard"):
        import tensorboard  # noqa: F401 -- what its process needs
    shown = [run for path in parsed.runs for run in runs_at(path)]
    with_events = [run for run in shown if run.tensorboard_path.is_dir()]
    if not with_events:
        raise UserError("none of these runs has events of TensorBoard (run.loggers=[tensorboard])")
    if left := len(shown) - len(with_events):
        say(console, f"note: {left} runs have no events of TensorBoard")
    words = command_line(parsed.runs, with_events, parsed.port)
    try:
        return subprocess.call(words)
    except KeyboardInterrupt:
        return 0


def command_line(
    paths: "Sequence[Path]", runs: "Sequence[RunFolder]", port: int = 6006
) -> list[str]:
    """The words that start TensorBoard.

    Args:
        paths: The folders asked for: a single one is watched for new runs too.
        runs: The runs in them.
        port: The port.

    Raises:
        UserError: A folder's name has a character by which TensorBoard tells folders apart.
    """
    import sys

    where = ["--logdir", str(paths[0])]
    if len(paths) > 1:
        where = ["--logdir_spec", ",".join(_named(run) for run in runs)]
    return [sys.executable, "-m", "tensorboard.main", *where, "--port", str(port)]


def _named(run: "RunFolder") -> str:
    folder = str(run.tensorboard_path)
    if "," in folder or ":" in folder:
        raise UserError(f"{run.path} has a comma or a colon in its name: open it on its own")
    return f"{run.path.resolve().name}:{folder}"
