"""Command line of gpae. Each command imports the heavy packages it needs when it runs."""

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gpae.cli.commands import parse
from gpae.cli.output import complain
from gpae.errors import UserError
from gpae.extras import missing_extras

if TYPE_CHECKING:
    from rich.console import Console


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Command-line arguments after ``gpae``; those of this process if None.

    Returns:
        The exit code: 0; 2 for wrong input; 3 for a run that diverged; 130 for an immediate
        interrupt.
    """
    try:
        parsed = parse(arguments)
        with missing_extras(f"gpae {parsed.name}"):
            return _carry_out(parsed)
    except UserError as error:
        complain(str(error))
        return error.exit_code
    except KeyboardInterrupt:
        complain("interrupted")
        return 130


def _carry_out(parsed: argparse.Namespace) -> int:
    from gpae.console import OutputConsole

    console = OutputConsole()
    if modules := getattr(parsed, "imports", None):
        from gpae.config.imports import import_modules

        import_modules(modules)
    command: Callable[[argparse.Namespace, Console], int] = parsed.command
    return command(parsed, console)
