"""Cases measured one after the other, each in processes of its own."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.harness.documents import (
    load_average,
    new_document,
    require_writable,
    write_document,
)
from gpae.errors import UserError

ROOT = Path(__file__).resolve().parents[2]
PROBE = (sys.executable, "-m", "benchmarks.harness.probe")


def run_suite(
    cases: Sequence[list[str]],
    output: Path,
    *,
    repeats: int,
    cold: bool,
    report: Callable[[str], None],
    command: Sequence[str] = PROBE,
) -> dict[str, Any]:
    """Measure cases; what is finished is on disk, whatever happens to the rest.

    Args:
        cases: The overrides of each.
        output: The JSON document, written anew after each case.
        repeats: How often updates, phases and evaluations are measured.
        cold: Whether to measure the start without compiled programs as well, which takes a process
            more for each case.
        report: Told in a line which case begins.
        command: What measures a request.

    Returns:
        The document.

    Raises:
        UserError: A case could not be measured, or the disk refused.
    """
    require_writable(output)
    document = new_document("bench", repeats=repeats, cases=[])
    for number, overrides in enumerate(cases, start=1):
        report(f"{number} of {len(cases)}: {' '.join(overrides)}")
        document["cases"].append(measure(overrides, repeats=repeats, cold=cold, command=command))
        write_document(output, document)
    return document


def measure(
    overrides: list[str], *, repeats: int, cold: bool, command: Sequence[str] = PROBE
) -> dict[str, Any]:
    """Measure a case: its start with an empty cache where asked for, then with a warm one.

    Returns:
        Plain values: the overrides, the load before, and the answers of
        :func:`benchmarks.harness.probe.probe`, of which ``cold`` has the start alone.
    """
    load = load_average()
    with tempfile.TemporaryDirectory(prefix="gpae-bench-") as cache:
        folder = cache if cold else os.environ.get("JAX_COMPILATION_CACHE_DIR")
        first = probe_in_process(overrides, 0, folder, command) if cold else None
        warm = probe_in_process(overrides, repeats, folder, command)
    return {"overrides": overrides, "load_average": load, "cold": first, "warm": warm}


def probe_in_process(
    overrides: list[str], repeats: int, cache: str | None, command: Sequence[str] = PROBE
) -> dict[str, Any]:
    """Have a new process measure, with compiled programs kept in a folder.

    Raises:
        UserError: It failed; the last line it wrote says why.
    """
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    if cache is not None:
        environment["JAX_COMPILATION_CACHE_DIR"] = cache
    request = {"overrides": overrides, "started": time.time(), "repeats": repeats}
    result = subprocess.run(
        [*command, json.dumps(request)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise UserError(f"could not measure {' '.join(overrides)}: {reason}")
    return dict(json.loads(result.stdout.splitlines()[-1]))
