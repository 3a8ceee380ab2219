"""The memory this process may still use, from what the platform tells."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes this process may still use: the machine's, or what its control group has left.

    Args:
        root: Where ``proc`` and ``sys`` are.

    Returns:
        The least of what can be found out; None where nothing can.
    """
    limits = [*_free_in_machine(root), *_free_in_groups(root)]
    return min(limits, default=None)


def _free_in_machine(root: Path) -> Iterator[int]:
    found = _fields(root / "proc/meminfo").get("MemAvailable:")
    if found is not None:
        yield found * 1024
        return
    with suppress(ValueError, OSError, AttributeError):
        yield os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _free_in_groups(root: Path) -> Iterator[int]:
    """What each control group that this process is in has left, in both versions' layouts."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current")
            if "memory" in controllers.split(","):
                base, names = base / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes")
            elif controllers:
                continue
            group = base / path.lstrip("/")
            for folder in (group, *group.parents):
                yield from _left(folder, *names)
                if folder == base:
                    break


def _left(group: Path, limit_name: str, usage_name: str) -> Iterator[int]:
    """What one control group has left; files it has read and can drop count as free."""
    with suppress(OSError, ValueError):
        limit = int((group / limit_name).read_text())
        usage = int((group / usage_name).read_text())
        yield max(0, limit - usage + _fields(group / "memory.stat").get("inactive_file", 0))


def _fields(path: Path) -> dict[str, int]:
    """The first number after each name in a file of lines; empty where it cannot be read."""
    try:
        lines = [line.split() for line in path.read_text().splitlines()]
    except OSError:
        return {}
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdecimal()}
