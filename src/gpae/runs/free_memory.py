"""Memory that this process may still use."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil


def available_memory(root: Path = Path("/")) -> int:
    """Bytes this process may still use: the machine's, or what its control groups have left.

    psutil tells of the whole machine. The limit of a container or of a cluster's job stands in the
    files of its control groups, which psutil does not read.

    Args:
        root: Where ``proc`` and ``sys`` are.
    """
    return min([psutil.virtual_memory().available, *_left_in_groups(root)])


def _left_in_groups(root: Path) -> Iterator[int]:
    """Bytes left in each control group of this process, in both versions' layouts."""
    with suppress(OSError, ValueError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                files, base = ("memory.max", "memory.current"), root / "sys/fs/cgroup"
            elif "memory" in controllers.split(","):
                files = ("memory.limit_in_bytes", "memory.usage_in_bytes")
                base = root / "sys/fs/cgroup/memory"
            else:
                continue
            group = base / path.lstrip("/")
            for folder in (group, *group.parents):
                if folder.is_relative_to(base):
                    yield from _left(folder, *files)


def _left(group: Path, limit: str, usage: str) -> Iterator[int]:
    """Bytes left in a control group; files it has read and can drop count as free."""
    with suppress(OSError, ValueError):
        left = int((group / limit).read_text()) - int((group / usage).read_text())
        yield max(0, left + _droppable(group / "memory.stat"))


def _droppable(stat: Path) -> int:
    if not stat.exists():
        return 0
    return int(dict(line.split() for line in stat.read_text().splitlines())["inactive_file"])
