"""Types of command line arguments."""

import argparse
from collections.abc import Callable


def whole_number(least: int, most: int | None = None) -> Callable[[str], int]:
    """A whole number from ``least`` up to ``most``, as the type of an argument."""
    wanted = f"a whole number from {least} {'up' if most is None else f'to {most}'}"

    def convert(text: str) -> int:
        whole = text.strip().lstrip("+-").isdecimal()
        if not whole or int(text) < least or (most is not None and int(text) > most):
            raise argparse.ArgumentTypeError(f"{text!r} is not {wanted}")
        return int(text)

    return convert
