"""How the scripts in benchmarks/ end."""

import argparse
import sys
from collections.abc import Callable

from gpae.errors import UserError

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""


def run_script(
    measure: Callable[[argparse.Namespace], None], arguments: Callable[[], argparse.Namespace]
) -> int:
    """Read a script's arguments and measure; say in a line what a user got wrong.

    Returns:
        The exit status.
    """
    try:
        measure(arguments())
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
