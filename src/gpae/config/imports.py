"""Modules that register methods, tasks and networks of other packages."""

import sys
from collections.abc import Iterable
from importlib import import_module
from typing import Any

from gpae.errors import UserError


def import_modules(names: Iterable[str]) -> None:
    """Import modules by name, also from the current folder.

    Raises:
        UserError: One cannot be imported; the message names it and the cause.
    """
    for name in names:
        if "" not in sys.path:
            sys.path.append("")
        try:
            import_module(name)
        except UserError:
            raise
        except Exception as error:
            raise UserError(
                f"the module {name} cannot be imported: {error}; install it, or put its folder on "
                "PYTHONPATH"
            ) from error


def modules_needed(given: Iterable[str], method: Any) -> list[str]:
    """The modules to import before a run can be continued.

    Args:
        given: The modules named by the user.
        method: The run's method, whose own module is needed where it is of another package.
    """
    own = type(method).__module__
    foreign = own.partition(".")[0] not in ("gpae", "__main__")
    return list(dict.fromkeys([*given, *([own] if foreign else [])]))
