"""Settings of environments of PettingZoo and Gymnasium, checked without importing either."""

from dataclasses import dataclass, field
from typing import Any

from gpae.environments.settings_fields import CheckedSettings, choice

REWARDS = ("sum", "mean", "shared", "agents")


@dataclass(frozen=True)
class HostSettings(CheckedSettings):
    """Settings of every environment that runs on the host.

    Attributes:
        reward: The reward: ``sum`` or ``mean`` of the agents', ``shared``, the one that all
            receive, or ``agents``, to each its own.
        state: The global state. ``environment``: its own ``state()``. ``observations``: the agents'
            in a row. ``auto``: the former if there is one, else the latter.
        arguments: Arguments of its constructor, ``task.arguments.NAME=VALUE``.
    """

    reward: str = choice("sum", REWARDS)
    state: str = choice("auto", ("auto", "environment", "observations"))
    arguments: dict[str, Any] = field(
        default_factory=dict,
        metadata={"accepts": lambda value: isinstance(value, dict), "expected": "a mapping"},
    )
