"""Errors a user can cause, each one line long, and the exit codes that go with them."""


class UserError(Exception):
    """Something the user asked for cannot be done; the message says what was wrong and what to do.

    The command line prints the message alone, without a traceback, and leaves with ``exit_code``.
    """

    exit_code = 2


class DivergedError(UserError):
    """A loss or a gradient became NaN or infinite; the last good checkpoint is kept and named."""

    exit_code = 3
