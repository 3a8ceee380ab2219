"""Whole numbers in scientific notation, such as 1e4, for settings that take none but whole ones."""

import re
from decimal import Decimal

_SCIENTIFIC = re.compile(r"(?<=[=,\[({:\s])(\d+(?:\.\d+)?[eE]\+?\d{1,2})(?=\s*(?:[,\])}]|$))")


def written_out(override: str) -> str:
    """An override with its unquoted whole numbers written without an exponent: 1.5e2 as 150."""
    if "'" in override or '"' in override:
        return override
    return _SCIENTIFIC.sub(_digits, override)


def _digits(number: re.Match[str]) -> str:
    value = Decimal(number[1])
    return str(int(value)) if value == value.to_integral_value() else number[1]
