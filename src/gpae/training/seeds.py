"""Several runs that differ in their seeds alone, in the same compiled calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Int

from gpae.training.collection import EpisodeTotals
from gpae.training.protocol import Learner, Metrics
from gpae.training.reduce import DEVICES
from gpae.training.sharding import Runner, choose_devices, is_spec

SEEDS = "seeds"
"""The mesh axis that runs are split over."""


@dataclass(frozen=True)
class SeedsRunner(Runner):
    """A runner of several runs: leaves of its states have the run in front.

    Runs are split over lanes of devices, as many in each, and vectorised within a lane. Each is
    computed as by a :class:`Runner` on as many devices as a lane has, to float tolerance.

    Attributes:
        runs: The number of runs.
        lanes: The number of lanes, of which it is a multiple.
    """

    runs: int
    lanes: int

    @cached_property
    def mesh(self) -> Mesh:
        """The devices, a lane a row."""
        return Mesh(np.array(self.devices).reshape(self.lanes, -1), (SEEDS, DEVICES))

    def join(self, states: Sequence[Any]) -> Any:
        """Lay out the states of all runs over the devices.

        Raises:
            ValueError: There are not as many as ``runs``.
        """
        if len(states) != self.runs:
            raise ValueError(f"states: expected {self.runs}, found {len(states)}")
        return self.place(jax.tree.map(_stacked, *states))

    def split(self, tree: Any) -> list[Any]:
        """A state, or a part of one, of each run, on the host."""
        host = jax.device_get(tree)
        return [jax.tree.map(itemgetter(run), host) for run in range(self.runs)]

    def split_results(self, results: Any) -> list[Any]:
        """Of what :meth:`run` told, beside the state, what it told of each run."""
        return [jax.tree.map(itemgetter((slice(None), run)), results) for run in range(self.runs)]

    def run_phases(
        self, state: Any, on_phase: Callable[[str], None]
    ) -> tuple[Any, EpisodeTotals, Metrics]:
        """Refused: the phases of a single run can be timed, by a :class:`Runner`."""
        raise NotImplementedError("several runs are not made phase by phase")

    @cached_property
    def _specs(self) -> Any:
        return jax.tree.map(
            lambda spec: PartitionSpec(SEEDS, *spec), self.learner.state_specs, is_leaf=is_spec
        )

    @property
    def _results_spec(self) -> Any:
        return PartitionSpec(None, SEEDS)

    def _joined_shapes(self) -> Any:
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((self.runs, *leaf.shape), leaf.dtype),
            self.state_shapes,
        )

    def _iteration(
        self, state: Any, environments: Int[Array, " E"]
    ) -> tuple[Any, EpisodeTotals, Metrics]:
        """Collection and then every phase of a lane's runs, on one device."""
        return jax.vmap(super()._iteration, in_axes=(0, None))(state, environments)


def make_runner(learner: Learner, runs: int, limit: int, updates_per_call: int) -> Runner:
    """A runner of one run or of several, on all devices that are of use.

    Several runs are split over as many devices as divide them and leave each run the devices that
    the limit asks for; each one's environments are split over the devices that are left to it.

    Args:
        learner: The learner.
        runs: How many runs it is to make.
        limit: Over how many devices to split a run's environments, fewer where there are not as
            many or they do not divide the work; 0 for all that are of use.
        updates_per_call: The most updates one compiled call makes.
    """
    if runs == 1:
        devices = choose_devices(learner.shares, limit)
        return Runner(learner, tuple(devices), updates_per_call)
    available = jax.local_devices()
    wanted = len(choose_devices(learner.shares, limit)) if limit else 1
    lanes = max(n for n in range(1, len(available) // wanted + 1) if runs % n == 0)
    room = len(available) // lanes
    lane = len(choose_devices(learner.shares, min(limit or room, room)))
    return SeedsRunner(
        learner, tuple(available[: lanes * lane]), updates_per_call, runs=runs, lanes=lanes
    )


def _stacked(*parts: Any) -> Any:
    """Arrays with the run in front, on the host but for random keys."""
    typed = jnp.issubdtype(parts[0].dtype, jax.dtypes.prng_key)
    return jnp.stack(parts) if typed else np.stack(parts)
