"""Lines that the commands print; Rich is imported with the first of them."""

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def say(console: "Console", text: str) -> None:
    """Print a line."""
    from gpae.console import say

    say(console, text)


def complain(message: str) -> None:
    """Print an error, in red if Rich is installed."""
    text = f"gpae: {message}"
    try:
        from gpae.console import complain
    except ModuleNotFoundError:
        print(text, file=sys.stderr)
    else:
        complain(text)
