"""The changelog's notes on a version, for its release: ``python notes.py VERSION``."""

import re
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def notes(changelog, version):
    """The text under a version's dated heading.

    Raises:
        SystemExit: There is no such heading, or it has no date.
    """
    heading = re.compile(rf"^## \[{re.escape(version)}\], \d{{4}}-\d\d-\d\d$", re.M)
    if (found := heading.search(changelog)) is None:
        sys.exit(f"CHANGELOG.md has no line '## [{version}], YYYY-MM-DD'")
    rest = changelog[found.end() :]
    following = re.search(r"^## ", rest, re.M)
    return rest[: following.start() if following else None].strip() + "\n"


def main(version):
    """Print the notes, where every file names this version."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    if version != declared:
        sys.exit(f"pyproject.toml says {declared}, the tag {version}")
    print(notes((ROOT / "CHANGELOG.md").read_text(), version), end="")


if __name__ == "__main__":
    main(sys.argv[1])
