"""Start of a process up to its first finished update, in the order of ``gpae train``.

The evaluation that a run begins with is measured after it, and on its own.
"""

import resource
import sys
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from gpae.garbage import without_garbage_collection

if TYPE_CHECKING:
    from gpae.runs.system import System

_XLA_EVENT = "/jax/core/compile/backend_compile_duration"


@dataclass
class Startup:
    """The first moments of a process, in seconds.

    Attributes:
        built: From the start of the process until everything is imported and put together.
        state: Until the program of an update is traced and the initial state is there.
        first_update: Until the first update is finished.
        compilation: How much longer the first update took than the second: what was left to wait
            for of compiling or loading from the cache, begun before the state.
        evaluation: The first evaluation, compilation included.
        xla: What XLA took of all this to compile, or to load, every program.
    """

    built: float = 0.0
    state: float = 0.0
    first_update: float = 0.0
    compilation: float = 0.0
    evaluation: float = 0.0
    xla: float = 0.0

    def as_dict(self) -> dict[str, float]:
        """The numbers by name."""
        return asdict(self)


def start(overrides: list[str], started: float) -> tuple["System", Any, Startup]:
    """Build a system, make two updates, and evaluate.

    Args:
        overrides: The configuration, in Hydra's syntax.
        started: When the process was started, as :func:`time.time` gives it.

    Returns:
        The system, its state, and how long it took.

    Raises:
        UserError: The configuration cannot be.
    """
    startup = Startup()
    with without_garbage_collection():
        system = _build(overrides, startup)
        startup.built = time.time() - started
        system.population.compile_ahead()
    state = _blocked(system.population.initial_state(system.config.seed))
    startup.state = time.time() - started
    state, first = _update(system, state)
    startup.first_update = time.time() - started
    state, second = _update(system, state)
    startup.compilation = max(0.0, first - second)
    before = time.perf_counter()
    system.evaluator.evaluate(
        system.population.split(state.params["actor"])[0],
        system.config.seed,
        0,
        greedy=system.modes[0] == "greedy",
    )
    startup.evaluation = time.perf_counter() - before
    return system, state, startup


def peak_memory() -> int:
    """The most bytes this process has had resident so far."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _build(overrides: list[str], startup: Startup) -> "System":
    """The system and what it needs of memory, without garbage collection, as in ``gpae train``."""
    from gpae.config.compose import compose
    from gpae.runs.devices import prepare_jax

    config = compose(overrides)
    prepare_jax(config.run.devices)
    import jax

    def listen(event: str, duration_secs: float, **_: str | int) -> None:
        if event == _XLA_EVENT:
            startup.xla += duration_secs

    jax.monitoring.register_event_duration_secs_listener(listen)
    from gpae.runs.memory import check_memory
    from gpae.runs.system import System

    system = System(config)
    check_memory(system.population)
    return system


def _update(system: "System", state: Any) -> tuple[Any, float]:
    before = time.perf_counter()
    state = _blocked(system.population.run(state, 1)[0])
    return state, time.perf_counter() - before


def _blocked(state: Any) -> Any:
    import jax

    return jax.block_until_ready(state)
