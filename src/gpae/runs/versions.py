"""Software and machine that produced a run."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

DISTRIBUTIONS = {
    "gpae": "gpae",
    "jax": "jax",
    "jaxlib": "jaxlib",
    "jaxmarl": "jaxmarl",
    "brax": "brax",
    "jumanji": "jumanji",
    "pettingzoo": "pettingzoo",
    "flax": "flax",
    "optax": "optax",
    "orbax": "orbax-checkpoint",
    "numpy": "numpy",
}
"""Name in the record, and the distribution whose version it states."""


def versions(smax_rules: str = "0.2") -> dict[str, Any]:
    """Describe the software and the machine, without importing any of it.

    Args:
        smax_rules: The rules of SMAX the run plays by, named by the JaxMARL version that set them.

    Returns:
        The version of Python and of each distribution (None where it is not installed),
        ``smax_rules``, ``git`` as :func:`git_commit` gives it, and ``platform``: the processor, its
        cores and the operating system.
    """
    return {
        **{name: _installed(distribution) for name, distribution in DISTRIBUTIONS.items()},
        "python": platform.python_version(),
        "smax_rules": smax_rules,
        "git": git_commit(Path(__file__).resolve().parents[1]),
        "platform": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "system": platform.platform(),
        },
    }


def changed_versions(recorded: Mapping[str, Any], current: Mapping[str, Any]) -> list[str]:
    """Name what differs between a run's versions and today's.

    A run continues bit for bit only under the versions and on the kind of machine that began it.

    Args:
        recorded: The result of :func:`versions` when the run was created.
        current: Its result now.

    Returns:
        One entry for each difference, such as ``"jax: 0.10.1 -> 0.10.2"``, sorted by name.
    """
    names = sorted({*recorded, *current})
    return [
        f"{name}: {recorded.get(name)} -> {current.get(name)}"
        for name in names
        if recorded.get(name) != current.get(name)
    ]


def git_commit(package: Path) -> dict[str, Any] | None:
    """Find the commit a package in a ``src`` layout was checked out at.

    Args:
        package: The package's folder.

    Returns:
        ``commit``, the full hash, and ``dirty``, whether tracked files differ from it; None unless
        the package is ``src/NAME`` of a git checkout (an installed copy inside some other project's
        checkout says nothing about that project).
    """
    root = _git(package, "rev-parse", "--show-toplevel")
    if root is None or package.resolve() != Path(root).resolve() / "src" / package.name:
        return None
    commit = _git(package, "rev-parse", "--verify", "HEAD")
    changes = _git(Path(root), "status", "--porcelain", "--untracked-files=no")
    if commit is None or changes is None:
        return None
    return {"commit": commit, "dirty": bool(changes)}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip()


def _installed(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _processor() -> str:
    if sys.platform.startswith("linux"):
        try:
            lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        except OSError:
            lines = []
        for line in lines:
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
