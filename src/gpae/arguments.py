"""Types of command line arguments."""

import argparse
import math
from collections.abc import Callable

from gpae.durations import DESCRIPTION, is_duration


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number from ``least`` up to ``most``, such as 10000 or 1e4, as an argument's type."""
    wanted = f"a whole number from {least} {'up' if most is None else f'to {most}'}"

    def convert(text: str) -> int:
        number = _whole(text)
        if number is None or number < least or (most is not None and number > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return number

    return convert


def duration(text: str) -> str:
    """A duration such as 13m, as an argument's type; it stays as it was written."""
    if not is_duration(text):
        raise argparse.ArgumentTypeError(f"{text!r} is not {DESCRIPTION}")
    return text


def positive_number(text: str) -> float:
    """A positive, finite number, as an argument's type."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number")
    return value


def _whole(text: str) -> int | None:
    if text.strip().lstrip("+-").isdecimal():
        return int(text)
    try:
        value = float(text)
    except ValueError:
        return None
    return int(value) if value.is_integer() else None
