"""Steady rates of training on a GPU, with phases and kernel launches where a case asks for them.

    python -m benchmarks.gpu CASES.json --output benchmarks/results/gpu.json

Every case is a process of its own. All compile side by side; when every one has made its first
updates, they are measured one after the other, so no two share the GPU while a clock runs.

A case is a JSON object: ``name``, ``overrides`` (as for ``gpae train``) and, where they differ
from the defaults, ``runs`` (how many train together, 1), ``flags`` (``XLA_FLAGS``, none),
``recurrence`` (the backend whose form of a GRU is used, the GPU's), ``phases`` (1 to time phases
and count their launches, 0). One with ``script``, the path of JaxMARL's own MAPPO script for SMAX,
runs that instead, with ``overrides`` of its own.
"""

import argparse
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.harness.documents import new_document, write_document
from benchmarks.harness.scripts import run_script
from gpae.arguments import whole_number
from gpae.errors import UserError

ROOT = Path(__file__).resolve().parents[1]
UPDATES = 4
"""Updates of one compiled call, each of which is timed as a whole."""
SCRIPT_ENV_STEPS = 128 * 128
"""Environment steps of an update of JaxMARL's script, by its own settings."""


def main(parsed: argparse.Namespace) -> None:
    """Measure all cases, or answer for one of them in this process."""
    cases = json.loads(parsed.cases.read_text())
    if parsed.case is None:
        measure(parsed, cases)
    else:
        meeting = Meeting(parsed.meeting, parsed.case, len(cases))
        case = cases[parsed.case]
        measured = measure_script if "script" in case else measure_case
        print(json.dumps(measured(case, meeting, parsed.repeats)))


def measure(parsed: argparse.Namespace, cases: list[dict[str, Any]]) -> None:
    """Start a process for each case, and write down each answer as it arrives."""
    document = new_document("gpu", cases=[])
    with tempfile.TemporaryDirectory(prefix="gpae-gpu-") as folder:
        running = {
            number: _start(parsed, case, number, folder) for number, case in enumerate(cases)
        }
        while running:
            time.sleep(0.2)
            for number in [
                number for number, process in running.items() if process.poll() is not None
            ]:
                Meeting(Path(folder), number, len(cases)).arrive()
                result = _answer(running.pop(number), Path(folder), number)
                document["cases"].append({**cases[number], **result})
                write_document(parsed.output, document)
                print(_line(document["cases"][-1]), flush=True)


class Meeting:
    """A folder in which processes wait for each other."""

    def __init__(self, folder: Path, number: int, size: int) -> None:
        self._folder, self._number, self._size = folder, number, size

    def arrive(self) -> None:
        """Say that this case can be measured, or has ended."""
        (self._folder / f"arrived-{self._number}").touch()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """A context that begins when all have arrived, and holds one of them at a time."""
        self.arrive()
        while len(list(self._folder.glob("arrived-*"))) < self._size:
            time.sleep(0.2)
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def measure_case(case: dict[str, Any], meeting: Meeting, repeats: int) -> dict[str, Any]:
    """Measure a case in this process, while no other one is measured.

    Returns:
        Plain values: seconds of the start and of each call, rates, devices, and, where asked for,
        seconds and kernel launches of each phase.
    """
    from gpae.config.compose import compose
    from gpae.runs.devices import prepare_jax

    started = time.perf_counter()
    config = compose([*case["overrides"], f"run.updates_per_call={UPDATES}"])
    prepare_jax(task=config.task_name)
    import jax

    from gpae.runs.system import System

    if "recurrence" in case:
        _choose_recurrence(case["recurrence"])
    seeds = range(case.get("runs", 1))
    system = System(config, seeds)
    system.population.compile_ahead()
    state: Any = system.population.initial_state(*seeds)
    state, _ = system.population.run(state, 1)
    start = time.perf_counter() - started
    if case.get("phases"):
        state, _ = system.population.run_phases(state, lambda _: None)
    with meeting.alone():
        state, seconds = _calls(system, state, repeats)
        phases = _phases(system, state, repeats) if case.get("phases") else {}
    steps = system.budget.env_steps * len(seeds)
    return {
        "start": start,
        "updates": seconds,
        "env_steps": steps,
        "rate": steps / median(seconds),
        "device": [device.device_kind for device in jax.local_devices()],
        "phases": phases,
        "memory": (jax.local_devices()[0].memory_stats() or {}).get("peak_bytes_in_use"),
    }


def measure_script(case: dict[str, Any], meeting: Meeting, repeats: int) -> dict[str, Any]:
    """Measure JaxMARL's script in this process, while no case is measured.

    It reports after every update; the first report waits until it may go on.

    Returns:
        Plain values, as those of :func:`measure_case`; calls are of one update here.
    """
    from benchmarks.jaxmarl_baseline import run

    started = time.perf_counter()
    reports: list[float] = []
    script, updates = Path(case["script"]).resolve(), repeats * UPDATES + 1
    with ExitStack() as alone:

        def record(metrics: dict[str, Any]) -> None:
            if not reports:
                alone.enter_context(meeting.alone())
            reports.append(time.perf_counter())

        steps = [f"TOTAL_TIMESTEPS={updates * SCRIPT_ENV_STEPS}"]
        run(script, [*case["overrides"], *steps], record)
    import jax

    seconds = [after - before for before, after in pairwise(reports)]
    return {
        "start": reports[0] - started,
        "updates": seconds,
        "env_steps": SCRIPT_ENV_STEPS,
        "rate": SCRIPT_ENV_STEPS / median(seconds),
        "device": [device.device_kind for device in jax.local_devices()],
        "phases": {},
    }


def _choose_recurrence(backend: str) -> None:
    """Have GRUs run in the form of another backend."""
    from gpae.kernels.recurrence import gru_hidden_states

    form: Any = gru_hidden_states.form(backend)
    gru_hidden_states.fast("gpu")(form)


def _calls(system: Any, state: Any, repeats: int) -> tuple[Any, list[float]]:
    """The state after some calls, and the seconds an update of each."""
    seconds = []
    for _ in range(repeats):
        before = time.perf_counter()
        state, _ = system.population.run(state, UPDATES)
        seconds.append((time.perf_counter() - before) / UPDATES)
    return state, seconds


def _phases(system: Any, state: Any, repeats: int) -> dict[str, Any]:
    """Seconds of each phase, then its kernel launches in a trace."""
    import jax

    from gpae.runs.phases import PhaseTimes

    clock, measured = PhaseTimes(), []
    for _ in range(repeats):
        clock.begin()
        state, _ = system.population.run_phases(state, clock.record)
        measured.append(clock.last())
    launches: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        jax.profiler.start_trace(folder)

        def end_trace(name: str) -> None:
            jax.profiler.stop_trace()
            launches[name] = _launches(Path(folder))
            jax.profiler.start_trace(folder)

        system.population.run_phases(state, end_trace)
        jax.profiler.stop_trace()
    return {
        name: {"seconds": [times[name] for times in measured], **found}
        for name, found in launches.items()
    }


def _launches(folder: Path) -> dict[str, Any]:
    """Kernel launches of the newest trace: their number, their seconds, and the most frequent."""
    import jax

    newest = max(folder.rglob("*.xplane.pb"), key=lambda path: path.stat().st_mtime)
    counts: Counter[str] = Counter()
    busy: Counter[str] = Counter()
    for plane in jax.profiler.ProfileData.from_file(str(newest)).planes:
        if "GPU" not in plane.name:
            continue
        for line in plane.lines:
            if "Stream" not in (line.name or ""):
                continue
            for event in line.events:
                counts[event.name] += 1
                busy[event.name] += event.duration_ns * 1e-9
    newest.unlink()
    return {
        "launches": sum(counts.values()),
        "busy": sum(busy.values()),
        "most": [[name, count, busy[name]] for name, count in counts.most_common(40)],
        "longest": [[name, counts[name], seconds] for name, seconds in busy.most_common(15)],
    }


def _start(
    parsed: argparse.Namespace, case: dict[str, Any], number: int, folder: str
) -> subprocess.Popen[str]:
    flags = f"{os.environ.get('XLA_FLAGS', '')} {case.get('flags', '')}".strip()
    environment = {**os.environ, "XLA_FLAGS": flags, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    words = [str(parsed.cases), "--case", str(number), "--meeting", folder]
    with (
        Path(folder, f"output-{number}").open("w") as output,
        Path(folder, f"errors-{number}").open("w") as errors,
    ):
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.gpu", *words, "--repeats", str(parsed.repeats)],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=errors,
            text=True,
        )


def _answer(process: subprocess.Popen[str], folder: Path, number: int) -> dict[str, Any]:
    """A case's answer, or the end of its complaint as ``failure``."""
    lines = (folder / f"output-{number}").read_text().strip().splitlines()
    if process.returncode == 0 and lines:
        return dict(json.loads(lines[-1]))
    return {"failure": (folder / f"errors-{number}").read_text().strip()[-1000:]}


def _line(case: dict[str, Any]) -> str:
    if "failure" in case:
        return f"{case['name']}: failed: {case['failure'][-300:]}"
    phases = ", ".join(
        f"{name} {1e3 * median(phase['seconds']):.1f} ms in {phase['launches']} launches"
        for name, phase in case["phases"].items()
    )
    return f"{case['name']}: {case['rate']:,.0f} env steps/s, start {case['start']:.0f} s {phases}"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path, help="a JSON list of cases")
    parser.add_argument("--repeats", type=whole_number(1), default=3, help="timed calls")
    parser.add_argument("--output", type=Path, default=Path("benchmarks/results/gpu.json"))
    parser.add_argument("--case", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--meeting", type=Path, help=argparse.SUPPRESS)
    parsed = parser.parse_args()
    if not parsed.cases.is_file():
        raise UserError(f"{parsed.cases} is no file of cases")
    return parsed


if __name__ == "__main__":
    sys.exit(run_script(main, arguments))
