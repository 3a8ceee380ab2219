"""One case measured in a process of its own: ``python -m benchmarks.harness.probe REQUEST``.

The request is a JSON object with ``overrides``, ``started`` (:func:`time.time` when the process was
started) and ``repeats`` (0 to measure the start alone). The answer is the last line printed.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from benchmarks.harness.startup import peak_memory, start
from gpae.errors import UserError

if TYPE_CHECKING:
    from gpae.runs.system import System


def probe(overrides: list[str], started: float, repeats: int) -> dict[str, Any]:
    """Measure a case.

    Args:
        overrides: The configuration, in Hydra's syntax.
        started: When the process was started, as :func:`time.time` gives it.
        repeats: How often updates, phases and evaluations are measured; 0 for the start alone.

    Returns:
        Plain values: ``startup``, ``peak_memory`` in bytes and, unless ``repeats`` is 0, what was
        measured of the running program.
    """
    system, state, startup = start(overrides, started)
    answer = {"startup": startup.as_dict(), "peak_memory": peak_memory()}
    return answer if repeats == 0 else {**answer, **_running(system, state, repeats)}


def _running(system: "System", state: Any, repeats: int) -> dict[str, Any]:
    from benchmarks.harness.gemm import gemm_rates
    from benchmarks.harness.timing import measure_times
    from gpae.config.compose import to_dict

    times = measure_times(system, state, repeats)
    return {
        "config": to_dict(system.config),
        "devices": [device.device_kind for device in system.population.devices],
        "env_steps": system.budget.env_steps,
        "gradient_steps": system.budget.gradient_steps,
        "seconds": asdict(times),
        "memory": _memory(system),
        "work": _work(system),
        "gemm": gemm_rates(system.population.devices),
        "load_average": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


def _memory(system: "System") -> dict[str, int]:
    from gpae.runs.memory import MemoryNeed

    need = MemoryNeed(system.population)
    return {need.experience_name: need.experience, "state": need.state, "batch": need.batch}


def _work(system: "System") -> dict[str, dict[str, int]]:
    """The operations of each phase of an update, and of one environment step of an evaluation."""
    from benchmarks.harness.work import acting_work, phase_work

    spec = system.evaluator.environment.spec
    work = phase_work(system.learner, spec)
    return {
        name: asdict(each)
        for name, each in (work | {"acting": acting_work(system.learner, spec)}).items()
    }


def main() -> int:
    """Answer the request in the command's only argument."""
    request = json.loads(sys.argv[1])
    try:
        answer = probe(**request)
    except UserError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
