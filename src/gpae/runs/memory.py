"""Least memory that a run needs, from shapes alone."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp

from gpae.errors import UserError
from gpae.runs.free_memory import available_memory
from gpae.training.population import Population
from gpae.training.reduce import DEVICES

_EXPERIENCE = {
    "window": "rollout.environments, rollout.steps, window.length or network.hidden_size",
    "buffer": "method.buffer_size, rollout.steps or network.hidden_size",
}
"""Fields of learners' states that keep experience, and the settings that make them smaller."""

_LARGEST_BATCH = 256
"""A batch is never taken to be more than this many times as large as the state."""


@dataclass(frozen=True)
class MemoryNeed:
    """Least memory of a population, in bytes, over all devices.

    A run's peak is higher: the gradient's intermediate results come on top.

    Attributes:
        population: The population.
        runs: Its number of runs.
    """

    population: Population
    runs: int = 1

    @cached_property
    def state(self) -> int:
        """Everything that lives from update to update."""
        return self.runs * tree_bytes(self._state)

    @property
    def experience(self) -> int:
        """The part of it that keeps what was collected: the window, or the replay buffer."""
        return self.runs * tree_bytes(getattr(self._state, self.experience_name))

    @property
    def experience_name(self) -> str:
        """That part's name in the state: ``window`` or ``buffer``."""
        return next(name for name in _EXPERIENCE if hasattr(self._state, name))

    @cached_property
    def batch(self) -> int:
        """The largest result that one phase of an update hands on to the next, beside the state.

        The rollout that collection hands on is not traced: estimation hands on all of it.
        """
        learner = self.population.learner
        environments = jax.ShapeDtypeStruct((learner.budget.environments,), jnp.int32)
        outputs, largest = None, 0
        for phase in learner.phases[1:-1]:
            shapes = jax.make_jaxpr(phase.run, axis_env=[(DEVICES, 1)], return_shape=True)
            outputs = shapes(self._state, outputs, environments)[1][1]
            largest = max(largest, tree_bytes(outputs))
        return self.runs * largest

    def check(self, available: int | None) -> None:
        """Refuse a run that cannot fit.

        Args:
            available: Bytes of memory there are; None where that is not known.

        Raises:
            UserError: State and update batch together are larger.
        """
        if available is None or self.state * _LARGEST_BATCH < available:
            return
        least = self.state + (self.batch if self.state <= available else 0)
        if least > available:
            raise UserError(
                f"this run needs at least {readable(least)} of memory, "
                f"{readable(self.experience)} of it for the {self.experience_name}, and "
                f"{readable(available)} is available: lower {self._remedies}"
            )

    @property
    def _remedies(self) -> str:
        return _EXPERIENCE[self.experience_name] + (", or seeds" if self.runs > 1 else "")

    @property
    def _state(self) -> Any:
        return self.population.state_shapes


def check_memory(population: Population, runs: int = 1) -> str:
    """Refuse what cannot fit, and say in a line what the run, or several together, will keep.

    Raises:
        UserError: It cannot fit.
    """
    need, available = MemoryNeed(population, runs), device_memory(population.devices)
    need.check(available)
    room = "" if available is None else f" of {readable(available)} available"
    return (
        f"memory: {need.experience_name} {readable(need.experience)}, "
        f"whole state {readable(need.state)}{room}"
    )


def tree_bytes(tree: Any) -> int:
    """The bytes of a tree's arrays, or of shapes and types; random keys count as their data."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in map(_stored, jax.tree.leaves(tree)))


def readable(count: int) -> str:
    """A number of bytes in the unit that suits it: ``"55.2 MiB"``."""
    power = min(int(math.log2(count)) // 10, 4) if count else 0
    unit = ("bytes", "KiB", "MiB", "GiB", "TiB")[power]
    return f"{count / 2 ** (10 * power):.{1 if power else 0}f} {unit}"


def device_memory(devices: Sequence[jax.Device]) -> int | None:
    """Bytes free on accelerators, all together, or in the machine where the devices are its CPU."""
    if devices[0].platform == "cpu":
        return available_memory()
    free = []
    for device in devices:
        held = device.memory_stats() or {}
        if "bytes_limit" not in held:
            return None
        free.append(held["bytes_limit"] - held.get("bytes_in_use", 0))
    return sum(free)


def _stored(leaf: Any) -> Any:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
        return jax.eval_shape(jax.random.key_data, leaf)
    return leaf
