"""Other programs' commands, as templates."""

import os
import shlex
import subprocess
from collections.abc import Mapping

from gpae.errors import UserError


def run_command(
    template: str, variables: Mapping[str, str] | None = None, **values: object
) -> None:
    """Run a command to its end; what it prints is dropped.

    Args:
        template: The command, with ``{name}`` where a value goes.
        variables: Environment variables to set.
        **values: The values.

    Raises:
        UserError: It cannot be run, asks for a value that there is not, or failed; the last line it
            wrote to its standard error is told.
    """
    try:
        words = [word.format(**values) for word in shlex.split(template)]
        program = words[0]
    except (LookupError, ValueError, AttributeError, TypeError) as error:
        known = ", ".join(f"{{{name}}}" for name in values)
        raise UserError(f"{template!r} is no command with places for {known}") from error
    try:
        result = subprocess.run(
            words,
            env={**os.environ, **(variables or {})},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
    except OSError as error:
        raise UserError(f"{program} cannot be run: {error.strerror}") from error
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"{program} failed with code {result.returncode}: {reason}")
