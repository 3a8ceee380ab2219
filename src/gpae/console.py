"""The console that a command prints to."""

import os
import sys

from rich.console import Console


class OutputConsole(Console):
    """Standard output without markup; it falls silent when its reader has left.

    A run goes on without a reader, as under ``gpae train ... | head -1``.
    """

    def __init__(self) -> None:
        super().__init__(markup=False, highlight=False)

    def on_broken_pipe(self) -> None:
        """Discard what is printed from now on."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def say(console: Console, text: str) -> None:
    """Print a line as it is: nothing in it is markup, and it is not wrapped."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)


def shown(value: float, digits: int = 3) -> str:
    """A number with some digits after its point, or as many significant ones if it is smaller."""
    small = value != 0.0 and abs(value) < 0.1**digits
    return f"{value:.{digits}g}" if small else f"{value:.{digits}f}"


def complain(text: str) -> None:
    """Print an error, in red, on standard error."""
    console = Console(stderr=True, markup=False, highlight=False)
    console.print(text, style="red", soft_wrap=True)
