"""Modules that register methods, tasks and networks of other packages."""

import sys
from collections.abc import Iterable
from functools import partial
from importlib import import_module
from typing import Any

from gpae.config.schema import Config
from gpae.environments import find_task
from gpae.errors import UserError
from gpae.estimators import find_trace_scheme
from gpae.loggers import LOGGERS
from gpae.networks import CORES, ENCODERS


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
            cause = " ".join(str(error).split()) or type(error).__name__
            raise UserError(
                f"the module {name} cannot be imported: {cause}; install it, or put its folder on "
                "PYTHONPATH"
            ) from error


def modules_needed(given: Iterable[str], config: Config) -> list[str]:
    """The modules to import before a run can be continued.

    Args:
        given: The modules named by the user.
        config: The run's configuration, checked. The modules of its method, task, networks,
            trace scheme and loggers are needed where they are of another package.
    """
    own = {_module(each): None for each in _registered(config)}
    return list(dict.fromkeys([*given, *filter(_can_be_imported_from_outside, own)]))


def _registered(config: Config) -> Iterable[Any]:
    """The registered classes and functions that a run uses."""
    yield type(config.method)
    yield find_task(config.task_name).factory
    yield CORES[config.network.core]
    yield ENCODERS[config.network.encoder]
    yield from (LOGGERS[name] for name in config.run.loggers)
    if hasattr(config.method, "trace_scheme"):
        yield find_trace_scheme(config.method.trace_scheme).log_coefficients


def _module(registered: Any) -> str:
    while isinstance(registered, partial):
        registered = registered.func
    return str(getattr(registered, "__module__", type(registered).__module__))


def _can_be_imported_from_outside(module: str) -> bool:
    """True for a module of another package that another process finds by its name."""
    root = module.partition(".")[0]
    if root in ("gpae", "__main__"):
        return False
    return any(finder.find_spec(root, None) is not None for finder in sys.meta_path)
