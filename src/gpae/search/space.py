"""Search spaces in words, such as ``update.learning_rate=log(1e-4,1e-2)``."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.override_parser.types import ChoiceSweep

from gpae.config.compose import parse
from gpae.errors import UserError, did_you_mean

FIRST_SEED = 1000
"""The first seed of a search; its next ones follow. Final runs have seeds below."""

RANGES = {
    "uniform": (False, False),
    "log": (True, False),
    "int": (False, True),
    "log_int": (True, True),
}
"""Ranges by name: whether they are logarithmic, and of whole numbers."""

_CALL = re.compile(r"(\w+)\((.*)\)", re.DOTALL)

_OF_THE_SEARCH = {
    "seed": f"a search has seeds of its own, from {FIRST_SEED} on",
    "seeds": "say --seeds N",
    "run.folder": "say --folder PATH",
    "run.root": "say --folder PATH",
    "run.budget": "say --budget TIME",
}
"""Settings that a search makes itself, with the reason or the way."""


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both among them.

    Attributes:
        setting: The setting's name.
        low: The least number.
        high: The largest number.
        logarithmic: Whether their logarithms are drawn evenly.
        whole: Whether they are whole.
    """

    setting: str
    low: float
    high: float
    logarithmic: bool
    whole: bool

    @property
    def examples(self) -> tuple[float, ...]:
        """The values that are checked before a search."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)


@dataclass(frozen=True)
class Choice:
    """Values to choose from, as they are written.

    Attributes:
        setting: The setting's name.
        values: The values.
    """

    setting: str
    values: tuple[str, ...]

    @property
    def examples(self) -> tuple[str, ...]:
        """The values that are checked before a search."""
        return self.values


Parameter = Range | Choice


@dataclass(frozen=True)
class SearchSpace:
    """Settings that are searched for, and the words that all trials share.

    Attributes:
        parameters: The settings with their values.
        fixed: Overrides of the others.
    """

    parameters: tuple[Parameter, ...]
    fixed: tuple[str, ...]

    @property
    def examples(self) -> list[list[str]]:
        """Overrides of trials that have every value at the edge of its range, or to choose."""
        most = max(len(each.examples) for each in self.parameters)
        return [
            self.overrides(
                {each.setting: each.examples[i % len(each.examples)] for each in self.parameters}
            )
            for i in range(most)
        ]

    def overrides(self, values: dict[str, float | str]) -> list[str]:
        """The overrides of a trial with these values, in Hydra's syntax."""
        drawn = [f"{each.setting}={values[each.setting]}" for each in self.parameters]
        return [*self.fixed, *drawn]


def read_space(words: Sequence[str]) -> SearchSpace:
    """Read the words of a search.

    Args:
        words: Overrides in Hydra's syntax, of which some have a space in the place of a value:
            ``uniform(LOW,HIGH)``, ``log(LOW,HIGH)``, ``int(LOW,HIGH)``, ``log_int(LOW,HIGH)`` or
            ``choice(A,B,...)``.

    Raises:
        UserError: A space cannot be read or holds less than two values, a setting is given twice,
            there is no space at all, or a setting is the search's own.
    """
    found: dict[str, Parameter | str] = {}
    for word in words:
        setting, _, value = word.partition("=")
        if setting in _OF_THE_SEARCH:
            raise UserError(f"{word}: {_OF_THE_SEARCH[setting]}")
        parameter = _parameter(setting, value, word)
        if setting in found and not isinstance(parameter or found[setting], str):
            raise UserError(f"{setting} is given twice, and a search can have it once")
        found[setting] = parameter or word
    parameters = tuple(each for each in found.values() if not isinstance(each, str))
    if not parameters:
        raise UserError(
            "there is nothing to search for: give a setting a space, such as "
            "'update.learning_rate=log(1e-4,1e-2)' or 'method.eta=choice(1.02,1.05)'"
        )
    return SearchSpace(parameters, tuple(each for each in found.values() if isinstance(each, str)))


def _parameter(setting: str, value: str, word: str) -> Parameter | None:
    """The space of a word, None where it has a value."""
    call = _CALL.fullmatch(value.strip())
    if call is None:
        return None
    name, inside = call.groups()
    if name == "choice":
        return _choice(setting, word)
    if name not in RANGES:
        raise UserError(
            f"{word}: there is no space {name!r}{did_you_mean(name, [*RANGES, 'choice'])}; there "
            f"are {', '.join(RANGES)} and choice"
        )
    return _range(setting, name, inside, word)


def _range(setting: str, name: str, inside: str, word: str) -> Range:
    logarithmic, whole = RANGES[name]
    try:
        low, high = map(float, inside.split(","))
    except ValueError:
        raise UserError(f"{word}: {name} needs two numbers, as in {name}(1,8)") from None
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise UserError(f"{word}: the first number must be less than the second, both finite")
    if logarithmic and low <= 0:
        raise UserError(f"{word}: a logarithmic space begins above 0")
    if whole and not (low.is_integer() and high.is_integer()):
        raise UserError(f"{word}: {name} needs whole numbers")
    return Range(setting, low, high, logarithmic, whole)


def _choice(setting: str, word: str) -> Choice:
    (override,) = parse([word])
    assert isinstance(override.value(), ChoiceSweep)
    values = tuple(str(value) for value in override.sweep_string_iterator())
    if len(set(values)) < max(2, len(values)):
        raise UserError(f"{word}: choice needs two values or more, no two of them alike")
    return Choice(setting, values)
