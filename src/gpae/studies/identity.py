"""Identity of a run: everything that changes what it measures, and a digest of that."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from gpae.report.tasks import played_task_of

REVISION = 1
"""Number of the code that decides what a run measures.

A change to environments, methods, training or evaluation that gives other results from the same
settings raises it; runs of different revisions never share a cell.
"""

_CONDUCT = ("run", "profile", "imports", "seed")
"""Settings that change nothing of what is measured, and the seed, which cells leave out."""

Identity = dict[str, Any]
"""Plain values: settings, the task as it is played, and the revision."""


def identity(
    config: Mapping[str, Any], versions: Mapping[str, Any], revision: int = REVISION
) -> Identity:
    """All that changes what a run measures, but for its seed.

    Args:
        config: The resolved configuration, every setting of this version in it.
        versions: The versions it was made with.
        revision: The revision it was made with.
    """
    settings = {name: value for name, value in config.items() if name not in _CONDUCT}
    return {
        **settings,
        "task": dict(played_task_of(config, versions)),
        "revision": revision,
    }


def digest(identified: Identity) -> str:
    """Ten hexadecimal digits that tell identities apart; 1 and 1.0 are one value."""
    text = json.dumps(_plain(identified), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(float(value))
    return value
