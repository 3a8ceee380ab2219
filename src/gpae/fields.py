"""Settings as dataclass fields that state their valid values: messages, checks and pages follow."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, TypeVar

from gpae.durations import DESCRIPTION, is_duration
from gpae.errors import UnknownNameError, UserError, did_you_mean

_METADATA = "valid values"

_DATA = "data of a run"

Settings = TypeVar("Settings")


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


def fraction(default: float, *, static: bool = False) -> Any:
    """A number from 0 to 1; data of a run unless it is ``static``, see :func:`data_of`."""
    valid = ValidValues("from 0 to 1", lambda value: 0.0 <= value <= 1.0)
    return _field(default, valid, data=not static)


def positive_fraction(default: float, *, static: bool = False) -> Any:
    """A number above 0, up to 1; data of a run unless it is ``static``."""
    valid = ValidValues("above 0 and at most 1", lambda value: 0.0 < value <= 1.0)
    return _field(default, valid, data=not static)


def positive(default: float, *, static: bool = False) -> Any:
    """A positive, finite number; data of a run unless it is ``static``."""
    valid = ValidValues("positive and finite", lambda value: 0.0 < value < math.inf)
    return _field(default, valid, data=not static)


def positive_or_infinite(default: float, *, static: bool = False) -> Any:
    """A positive number, or infinity; data of a run unless it is ``static``."""
    valid = ValidValues("positive", lambda value: value > 0.0)
    return _field(default, valid, data=not static)


def not_negative(default: float, *, static: bool = False) -> Any:
    """A finite number from 0 up; data of a run unless it is ``static``."""
    valid = ValidValues("finite and not negative", lambda value: 0.0 <= value < math.inf)
    return _field(default, valid, data=not static)


def choice(default: str, names: Iterable[str]) -> Any:
    """One of some names: a tuple, or a registry, which may grow."""

    def known() -> Iterable[str]:
        return names

    valid = ValidValues("one of the names", lambda value: value in names, known)
    return _field(default, valid)


def choices(default: Sequence[str], names: Iterable[str]) -> Any:
    """A list of names from a tuple, or from a registry, which may grow."""

    def known() -> Iterable[str]:
        return names

    valid = ValidValues(
        "a list of the names", lambda values: all(value in names for value in values), known
    )
    return field(default_factory=lambda: list(default), metadata={_METADATA: valid})


def data_of(settings: Any) -> dict[str, float]:
    """The values of those fields of a dataclass that are data of a run, by name.

    A compiled program takes them as arguments, so that runs of different values share it and may be
    made together. Inside it they are traced scalars: code that reads such a field computes with it,
    and neither branches on it in Python nor makes a shape, a name or an initialiser of it. A field
    that is read otherwise is ``static``, and one that is made without this module always is.
    """
    names = [each.name for each in fields(settings) if _DATA in each.metadata]
    return {name: getattr(settings, name) for name in names}


def with_data(settings: Settings, values: Mapping[str, Any]) -> Settings:
    """A copy of a dataclass instance with other values of the fields that are data of a run.

    Args:
        settings: The instance.
        values: A number or a traced scalar for each name in :func:`data_of`.

    Raises:
        ValueError: A value is missing, or there is one of another field.
    """
    if values.keys() != data_of(settings).keys():
        raise ValueError(f"expected values of {', '.join(data_of(settings))}; found {[*values]}")
    changed: Any = replace(settings, **values)  # type: ignore[type-var]
    return changed


def whole_or_auto() -> Any:
    """A whole number from 1 up as text, or auto, the default."""

    def contains(value: str) -> bool:
        return value == "auto" or (value.isdecimal() and int(value) >= 1)

    return _field("auto", ValidValues("auto, or a whole number from 1 up", contains))


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
        unknown = value
        if isinstance(value, list):
            unknown = next(each for each in value if each not in known)
        hint = did_you_mean(str(unknown), known)
        kind = UserError if isinstance(known, tuple) else UnknownNameError
        raise kind(f"{name}={unknown} is not known{hint}; it is one of {', '.join(known)}")


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


def _field(default: Any, valid: ValidValues, *, data: bool = False) -> Any:
    return field(default=default, metadata={_METADATA: valid, **({_DATA: True} if data else {})})
