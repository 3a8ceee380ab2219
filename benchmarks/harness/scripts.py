"""Exit statuses and messages of the programs in benchmarks/."""

import argparse
import sys
from collections.abc import Callable
from typing import NoReturn

from benchmarks.harness.documents import require_writable
from gpae.errors import UserError

INTERRUPTED = 130
"""The exit status of a program that Ctrl-C ended."""


class Parser(argparse.ArgumentParser):
    """A parser of arguments that says in one line what is wrong with them."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; see `{self.prog} --help`")


def run_script(
    measure: Callable[[argparse.Namespace], None], arguments: Callable[[], argparse.Namespace]
) -> int:
    """Read a script's arguments and measure; say in a line what a user got wrong.

    Args:
        measure: Given the arguments, measures and writes a document to their ``output``.
        arguments: Reads them.

    Returns:
        The exit status.
    """
    try:
        parsed = arguments()
        require_writable(parsed.output)
        measure(parsed)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    return 0
