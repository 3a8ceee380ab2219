"""Packages that loggers need, asked for before a run begins."""

from collections.abc import Iterable
from importlib.util import find_spec

from gpae.errors import UserError
from gpae.extras import missing_extras
from gpae.loggers.logger import LOGGERS


def require_packages(names: Iterable[str]) -> None:
    """Refuse loggers whose packages are not installed.

    Args:
        names: Names of loggers.

    Raises:
        UserError: A package is missing; the line says how to install it.
        UnknownNameError: There is no such logger.
    """
    for name in names:
        for package in LOGGERS[name].packages:
            _require(f"the logger {name}", package)


def _require(subject: str, package: str) -> None:
    try:
        with missing_extras(subject):
            if find_spec(package) is None:
                raise ModuleNotFoundError(f"No module named {package!r}", name=package)
    except ModuleNotFoundError as error:
        raise UserError(
            f"{subject} needs {package}, which is not installed: pip install {package}"
        ) from error
