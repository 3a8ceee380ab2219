"""Settings as dataclass fields that state their valid values: messages, checks and pages follow."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from typing import Any

from gpae.durations import DESCRIPTION, is_duration
from gpae.errors import UnknownNameError, UserError, did_you_mean

_METADATA = "valid values"


@dataclass(frozen=True)
class ValidValues:
    """The valid values of a setting.

    Attributes:
        description: Completes "must be ...", such as ``from 0 to 1``.
        contains: Whether a value is one of them.
        names: The names to choose from, for a setting that is a name; asked for at each check, as
            registries grow.
    """

    description: str
    contains: Callable[[Any], bool]
    names: Callable[[], Iterable[str]] | None = None


def whole(default: float | None, least: int, most: int | None = None) -> Any:
    """A whole number from ``least`` to ``most``; a float such as 1e6 may hold one."""
    upper = "up" if most is None else f"to {most}"

    def contains(value: float) -> bool:
        is_whole = math.isfinite(value) and value == int(value)
        return is_whole and value >= least and (most is None or value <= most)

    return _field(default, ValidValues(f"a whole number from {least} {upper}", contains))


def fraction(default: float) -> Any:
    """A number from 0 to 1."""
    return _field(default, ValidValues("from 0 to 1", lambda value: 0.0 <= value <= 1.0))


def positive_fraction(default: float) -> Any:
    """A number above 0, up to 1."""
    return _field(default, ValidValues("above 0 and at most 1", lambda value: 0.0 < value <= 1.0))


def positive(default: float) -> Any:
    """A positive, finite number."""
    return _field(default, ValidValues("positive and finite", lambda value: 0.0 < value < math.inf))


def positive_or_infinite(default: float) -> Any:
    """A positive number, or infinity."""
    return _field(default, ValidValues("positive", lambda value: value > 0.0))


def not_negative(default: float) -> Any:
    """A finite number from 0 up."""
    return _field(
        default, ValidValues("finite and not negative", lambda value: 0.0 <= value < math.inf)
    )


def choice(default: str, names: Iterable[str]) -> Any:
    """One of some names: a tuple, or a registry, which may grow."""

    def known() -> Iterable[str]:
        return names

    valid = ValidValues("one of the names", lambda value: value in names, known)
    return _field(default, valid)


def duration() -> Any:
    """A duration as text, such as 13m, or None, the default."""

    def contains(value: str | None) -> bool:
        return value is None or is_duration(value)

    return _field(None, ValidValues(f"{DESCRIPTION}, or null", contains))


def check_fields(settings: Any, group: str = "") -> None:
    """Check every field of a dataclass that states its valid values.

    Args:
        settings: The dataclass instance.
        group: The settings' group, the part of their names before the dot.

    Raises:
        UserError: A value is not valid; the message names the setting and what it must be.
        UnknownNameError: It is a name that is not in its registry.
    """
    for each in fields(settings):
        valid = valid_values(each)
        value = getattr(settings, each.name)
        if valid is None or valid.contains(value):
            continue
        name = f"{group}.{each.name}" if group else each.name
        if valid.names is None:
            raise UserError(f"{name}={value} must be {valid.description}")
        known = valid.names()
        hint = did_you_mean(str(value), known)
        kind = UserError if isinstance(known, tuple) else UnknownNameError
        raise kind(f"{name}={value} is not known{hint}; it is one of {', '.join(known)}")


def valid_values(setting: Any) -> ValidValues | None:
    """The valid values that a dataclass field states, None where it states none."""
    found: ValidValues | None = setting.metadata.get(_METADATA)
    return found


def described_values(setting: Any) -> str:
    """The valid values of a dataclass field in words, empty where it states none."""
    valid = valid_values(setting)
    if valid is None:
        return ""
    return valid.description if valid.names is None else ", ".join(valid.names())


def _field(default: Any, valid: ValidValues) -> Any:
    return field(default=default, metadata={_METADATA: valid})
