"""Parser of the command line, and of each command."""

import argparse
from typing import NoReturn, TypeAlias

from gpae.errors import UserError


class Parser(argparse.ArgumentParser):
    """Parser whose errors are one-line :class:`UserError` messages."""

    def error(self, message: str) -> NoReturn:
        """Refuse the arguments.

        Raises:
            UserError: Always.
        """
        raise UserError(f"{message}; see `{self.prog} --help`")


Commands: TypeAlias = "argparse._SubParsersAction[Parser]"
"""The parser's commands, to which each adds its own."""
