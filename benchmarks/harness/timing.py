"""The seconds that updates, their phases and evaluations take, once everything is compiled."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax

from gpae.runs.phases import PhaseTimes
from gpae.runs.system import System


@dataclass(frozen=True)
class Times:
    """Raw seconds, one number a repetition.

    Attributes:
        update: Whole updates, each in one compiled call, as a run makes them.
        phases: The phases of updates made phase by phase; with the waiting between them they add
            up to a little more.
        evaluate: Evaluations with as many episodes as a run's.
        evaluated_steps: Environment steps of each evaluation, of all its episodes together.
    """

    update: list[float]
    phases: dict[str, list[float]]
    evaluate: list[float]
    evaluated_steps: list[int]


def measure_times(system: System, state: Any, repeats: int) -> Times:
    """Measure a system.

    Args:
        system: The system.
        state: A state of its population past the first update; it is consumed.
        repeats: How often everything is measured.
    """
    state, update = _update_times(system, _past_warmup(system, state), repeats)
    evaluate, steps = _evaluation_times(system, state, repeats)
    return Times(
        update=update,
        phases=_phase_times(system, state, repeats),
        evaluate=evaluate,
        evaluated_steps=steps,
    )


def timed(run: Callable[[], Any]) -> tuple[float, Any]:
    """The seconds until a function's result is there, and the result."""
    started = time.perf_counter()
    result = jax.block_until_ready(run())
    return time.perf_counter() - started, result


def _past_warmup(system: System, state: Any) -> Any:
    """Update until gradient steps are made."""
    while int(state.update[0]) < system.budget.warmup:
        state = system.population.run(state, 1)[0]
    return state


def _update_times(system: System, state: Any, repeats: int) -> tuple[Any, list[float]]:
    times = []
    for _ in range(repeats):
        seconds, (state, *_) = timed(partial(system.population.run, state, 1))
        times.append(seconds)
    return state, times


def _phase_times(system: System, state: Any, repeats: int) -> dict[str, list[float]]:
    clock, measured = PhaseTimes(), []
    for _ in range(1 + repeats):
        clock.begin()
        state = system.population.run_phases(state, clock.record)[0]
        measured.append(clock.last())
    return {name: [phases[name] for phases in measured[1:]] for name in measured[0]}


def _evaluation_times(system: System, state: Any, repeats: int) -> tuple[list[float], list[int]]:
    times, steps = [], []
    play = partial(
        system.evaluator.evaluate,
        system.population.split(state.params["actor"])[0],
        system.config.seed,
        greedy=system.modes[0] == "greedy",
    )
    for counter in range(1 + repeats):
        seconds, episodes = timed(partial(play, counter))
        times.append(seconds)
        steps.append(int(episodes["episode_length"].sum()))
    return times[1:], steps[1:]
