"""Errors a user can cause, each one line long, and the exit codes that go with them."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something the user asked for cannot be done; the message says what was wrong and what to do.

    The command line prints the message alone, without a traceback, and leaves with ``exit_code``.
    """

    exit_code = 2


class UnknownNameError(UserError):
    """Nothing is registered under a name; a module that is not imported may register it."""


class MemoryShortageError(UserError):
    """The device's memory does not suffice."""


class DivergedError(UserError):
    """A loss or a gradient became NaN or infinite; the last good checkpoint is kept and named."""

    exit_code = 3


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The closest known names, as a parenthesis to append; empty where none is close."""
    close = difflib.get_close_matches(name, list(known), n=3)
    return f" (did you mean {' or '.join(close)}?)" if close else ""
