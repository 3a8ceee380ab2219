"""Durations as people write them: 90s, 13m, 2h, or plain seconds."""

import math
import re

_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_WRITTEN = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*([smh]?)")

DESCRIPTION = "a duration above 0 such as 90s, 13m, 2h or plain seconds"


def seconds(duration: str) -> float:
    """A duration in seconds.

    Args:
        duration: A number followed by ``s``, ``m``, ``h`` or nothing, which means seconds.

    Raises:
        ValueError: It is written in another way, or is not above 0.
    """
    match = _WRITTEN.fullmatch(duration.strip())
    found = float(match[1]) * _SECONDS[match[2]] if match else 0.0
    if not 0.0 < found < math.inf:
        raise ValueError(f"{duration!r} is not {DESCRIPTION}")
    return found


def is_duration(text: str) -> bool:
    """True for what :func:`seconds` accepts."""
    try:
        seconds(text)
    except ValueError:
        return False
    return True


def written(duration: float) -> str:
    """Seconds as hours, minutes or seconds, to two digits at least: 45s, 13m, 2.5h."""
    for unit, size in (("h", 3600.0), ("m", 60.0)):
        if duration >= size:
            value = duration / size
            return f"{value:.0f}{unit}" if value >= 10 else f"{value:.2g}{unit}"
    return f"{duration:.0f}s"
