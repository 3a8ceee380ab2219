"""The number of runs of a program that are made together, by device and memory."""

from dataclasses import dataclass

from gpae.environments.host import is_on_host
from gpae.runs.memory import MemoryNeed, device_memory, readable
from gpae.runs.system import System

MOST_ON_ACCELERATOR = 64
"""Most runs together on a GPU, where more gain little."""

MOST_ON_CPU = 8
"""Most runs together on a CPU, where their updates are small."""

SMALL_UPDATE = 2**18
"""Features of hidden layers, over all steps and agents of an iteration, of a small update.

Runs with larger ones are slower together on a CPU (``docs/performance.md``).
"""

_BATCHES_OF_A_GRADIENT = 8
"""A gradient's intermediate results are taken to be this many times the update batch."""

_PART_OF_MEMORY = 0.9


@dataclass(frozen=True)
class Size:
    """A number of runs to be made together.

    Attributes:
        runs: The number, at least 1.
        reason: What is made together and why, in words.
    """

    runs: int
    reason: str


def population_size(alone: System, runs: int, asked: str) -> Size:
    """The number of runs to be made together.

    With ``auto`` that is, on a CPU, up to 8 where an iteration has at most 2^18 features of hidden
    layers (environments x steps x agents x ``network.hidden_size``) and 1 elsewhere; on a GPU, as
    many as fit its memory by an estimate, up to 64.

    Args:
        alone: The system of one of the runs.
        runs: The number of runs there are.
        asked: ``auto``, or the most runs together.
    """
    if asked == "auto" and is_on_host(alone.environment):
        return _said(1, runs, "their environment runs outside JAX")
    if asked != "auto":
        return _said(min(int(asked), runs), runs, f"run.population={asked}")
    if alone.population.devices[0].platform == "cpu":
        if features_of_update(alone) > SMALL_UPDATE:
            return _said(1, runs, "large updates are faster so on a CPU")
        return _said(min(MOST_ON_CPU, runs), runs, "small updates are faster so on a CPU")
    need, free = bytes_of_run(alone), device_memory(alone.population.devices)
    if free is None:
        return _said(min(MOST_ON_ACCELERATOR, runs), runs, "free memory is not known")
    fitting = max(1, int(_PART_OF_MEMORY * free / need))
    why = f"a run is taken to need {readable(need)} of {readable(free)} of memory"
    return _said(min(MOST_ON_ACCELERATOR, fitting, runs), runs, why)


def features_of_update(alone: System) -> int:
    """Features of hidden layers over all steps and agents of an iteration."""
    config, spec = alone.config, alone.environment.spec
    steps = config.rollout.environments * config.rollout.steps
    return steps * spec.num_agents * config.network.hidden_size


def bytes_of_run(alone: System) -> int:
    """Bytes that a run is taken to need on an accelerator: its state, and those of a gradient."""
    need = MemoryNeed(alone.population)
    return need.state + _BATCHES_OF_A_GRADIENT * need.batch


def _said(size: int, runs: int, why: str) -> Size:
    """A size with its reason, the runs spread evenly over as few populations as it allows."""
    populations = -(-runs // max(1, size))
    even = -(-runs // populations) if populations else 1
    together = "one after the other" if even == 1 else f"{even} together"
    return Size(max(1, even), f"{together} ({why})")
