"""The files of a wheel against those of the repository: ``python contents.py WHEEL``."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 5_000_000
"""Size of a wheel in bytes."""


def main(wheel):
    """Exit with a message where a file of the package is missing, or another is there."""
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    command = ["git", "-C", str(ROOT), "ls-files", "src/gpae"]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    expected = {name.removeprefix("src/") for name in listed.splitlines()}
    if missing := sorted(expected - inside):
        sys.exit(f"the wheel lacks {', '.join(missing)}")
    if foreign := sorted(inside - expected):
        sys.exit(f"the wheel holds what is no part of the package: {', '.join(foreign)}")
    if (size := Path(wheel).stat().st_size) >= LARGEST:
        sys.exit(f"the wheel has {size:,} bytes")
    print(f"{Path(wheel).name}: {len(inside)} files, {size:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1])
