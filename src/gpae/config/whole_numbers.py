"""Whole numbers in scientific notation, such as 1e4, for settings that take none but whole ones."""

import re
from decimal import Decimal

_NUMBER = r"\d+(?:\.\d+)?[eE]\+?\d{1,2}"

_SCIENTIFIC = re.compile(rf"(?<=[=,\[({{:\s])({_NUMBER})(?=\s*(?:[,\])}}]|$))")


def written_out(override: str) -> str:
    """An override with its unquoted whole numbers written without an exponent: 1.5e2 as 150."""
    if "'" in override or '"' in override:
        return override
    return _SCIENTIFIC.sub(_digits, override)


def number(text: str) -> int | float:
    """The number of a text, an ``int`` where it is whole and in scientific notation."""
    whole = re.fullmatch(_NUMBER, text) and Decimal(text) == Decimal(text).to_integral_value()
    return int(Decimal(text)) if whole else float(text)


def _digits(found: re.Match[str]) -> str:
    value = number(found[1])
    return str(value) if isinstance(value, int) else found[1]
