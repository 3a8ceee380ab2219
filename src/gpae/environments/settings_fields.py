"""Fields of tasks' settings, each with the values that it accepts."""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any

from gpae.errors import UserError


def setting(default: Any, accepts: Callable[[Any], bool], expected: str) -> Any:
    """A field of :class:`CheckedSettings`.

    Args:
        default: Its default.
        accepts: True for the values that it may have.
        expected: These values in words.
    """
    return field(default=default, metadata={"accepts": accepts, "expected": expected})


def choice(default: str, choices: tuple[str, ...]) -> Any:
    """A field whose value is one of a few names."""
    return setting(default, lambda value: value in choices, f"one of {', '.join(choices)}")


def whole(default: int, least: int = 1) -> Any:
    """A field whose value is a whole number."""
    return setting(
        default,
        lambda value: type(value) is int and value >= least,
        f"a whole number from {least} up",
    )


def flag(default: bool) -> Any:
    """A field whose value is true or false."""
    return setting(default, lambda value: isinstance(value, bool), "true or false")


def fraction(default: float) -> Any:
    """A field whose value is a number from 0 to 1."""
    return setting(
        default,
        lambda value: type(value) in (int, float) and 0.0 <= value <= 1.0,
        "a number from 0 to 1",
    )


@dataclass(frozen=True)
class CheckedSettings:
    """Settings that check themselves when they are made.

    Raises:
        UserError: A value is of the wrong type or outside its range.
    """

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if not each.metadata["accepts"](value):
                raise UserError(f"{each.name} must be {each.metadata['expected']}, not {value!r}")
