"""Rates of archived runs, and the time that the runs of a plan will take by them."""

import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gpae.runs import versions
from gpae.studies.archive import ArchivedRun
from gpae.studies.plan import PlannedRun


def device_kind() -> str:
    """The kind of device that programs run on; of a CPU its name and number of cores."""
    import jax

    device = jax.devices()[0]
    if device.platform != "cpu":
        return str(device.device_kind)
    machine = versions()["platform"]
    return f"{machine['processor'] or platform.machine()}, {machine['cores']} cores"


@dataclass(frozen=True)
class Remaining:
    """Work that is left, and the time it takes.

    Attributes:
        runs: Number of runs.
        env_steps: Their environment steps.
        seconds: The time for those whose task has a measured rate.
        unknown: Number of the other runs.
    """

    runs: int
    env_steps: int
    seconds: float
    unknown: int


def remaining(runs: Sequence[PlannedRun], archive: Iterable[ArchivedRun], device: str) -> Remaining:
    """The time that runs will take on a kind of device.

    Args:
        runs: Runs that are not finished; what they have done already is not subtracted.
        archive: Archived runs, by whose rates the time is estimated: those of the same task and
            method, or else those of the same task.
        device: The kind of device.
    """
    rates = _rates(archive, device)
    seconds, unknown = 0.0, 0
    for run in runs:
        task, method = run.cell.task, run.cell.config.method.name
        rate = rates.get((task, method)) or rates.get((task, ""))
        if rate is None:
            unknown += 1
        else:
            seconds += run.cell.config.total_env_steps / rate
    total = sum(int(run.cell.config.total_env_steps) for run in runs)
    return Remaining(len(runs), total, seconds, unknown)


def _rates(archive: Iterable[ArchivedRun], device: str) -> dict[tuple[str, str], float]:
    """Environment steps a second of all runs made together, by task and method, and by task."""
    done: dict[tuple[str, str], list[float]] = {}
    for run in archive:
        method = str(run.folder.config["method"]["name"])
        for sitting in run.record.sittings:
            if sitting.device != device:
                continue
            for key in ((run.record.task, method), (run.record.task, "")):
                steps, seconds = done.get(key, (0.0, 0.0))
                done[key] = [steps + sitting.env_steps, seconds + sitting.seconds]
    return {key: steps / seconds for key, (steps, seconds) in done.items() if seconds > 0.0}
