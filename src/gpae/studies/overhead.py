"""Training time over MAPPO's, from the results of the benchmark of updates."""

import json
from pathlib import Path
from statistics import median

from gpae.errors import UserError
from gpae.runs.files import disk_errors


def overhead_percent(path: Path) -> dict[str, float]:
    """Additional time of an update over the reference's, in per cent, by method.

    Every method makes the same gradient steps on batches of the same size.

    Args:
        path: A file of ``benchmarks.overhead``.

    Returns:
        The median over rounds of the ratio within a round, less 1, times 100.

    Raises:
        UserError: The file cannot be read, or is no such file.
    """
    with disk_errors(f"read {path}"):
        contents = path.read_bytes()
    try:
        document = json.loads(contents)
        seconds, reference = document["seconds"], document["reference"]
        return {
            name: 100.0
            * (median(a / b for a, b in zip(times, seconds[reference], strict=True)) - 1)
            for name, times in seconds.items()
            if name != reference
        }
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"{path} is no file of benchmarks.overhead") from error


def overhead_table(path: Path) -> str:
    """The same as a Markdown table."""
    rows = [f"| {name} | {value:+.1f} % |" for name, value in overhead_percent(path).items()]
    return "\n".join(["| method | time of an update over MAPPO's |", "|---|---:|", *rows])
