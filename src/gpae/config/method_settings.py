"""Settings of one method in a sweep over several: ``method.dae.beta=0.3,0.5``."""

import re
from collections.abc import Iterable
from dataclasses import fields

from gpae.errors import UserError, did_you_mean
from gpae.methods import METHODS

_OF_A_METHOD = re.compile(r"method\.(?P<method>\w+)\.(?P<setting>\w+)=(?P<value>.*)", re.DOTALL)

_CHOICE = re.compile(r"method=(\w+)")


def chosen_method(overrides: Iterable[str], default: str) -> str:
    """The method that the last of the overrides that choose one chooses."""
    chosen = [match[1] for override in overrides if (match := _CHOICE.fullmatch(override))]
    return (chosen or [default])[-1]


def for_method(overrides: Iterable[str], method: str) -> list[str]:
    """Overrides with the settings of one method as its own, and those of others left out.

    Args:
        overrides: In Hydra's syntax, of one run.
        method: The method of the run.

    Raises:
        UserError: There is no such method, or it has no such setting.
    """
    kept = []
    for override in overrides:
        match = _OF_A_METHOD.fullmatch(override)
        if match is None:
            kept.append(override)
        elif _require_setting(match["method"], match["setting"]) == method:
            kept.append(f"method.{match['setting']}={match['value']}")
    return kept


def _require_setting(method: str, setting: str) -> str:
    """The method's name, once it is known to have the setting."""
    if method not in METHODS:
        hint = did_you_mean(method, METHODS)
        raise UserError(f"method.{method}.{setting}: no method {method!r}{hint}")
    settings = {each.name for each in fields(METHODS[method])} - {"name"}
    if setting not in settings:
        hint = did_you_mean(setting, settings)
        raise UserError(f"method.{method}.{setting}: {method} has no setting {setting!r}{hint}")
    return method
