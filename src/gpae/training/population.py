"""Populations: runs that differ in seeds and numeric settings alone, made by the same calls.

A single run is a population of one. The numbers are arguments of the compiled program and no part
of the joint state: a checkpoint does not hold them, and a run that goes on has its settings'.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from operator import itemgetter
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from gpae.kernels.compiler import compiler_options
from gpae.kernels.factorisation import in_one_thread
from gpae.methods import Metrics
from gpae.training.hyperparameters import Hyperparameters
from gpae.training.protocol import Learner, Phase
from gpae.training.reduce import DEVICES
from gpae.training.sharding import BY_ENVIRONMENT, EVERYWHERE, is_spec

RUNS = "runs"
"""Name of the mesh axis that runs are split over."""

BY_RUN: Any = PartitionSpec(RUNS)


@dataclass(frozen=True)
class Population:
    """Runs over devices; leaves of their joint state have the run as their first axis, [R, ...].

    Runs are split over lanes of devices, as many in each, and vectorised within a lane. A run's
    environments are split over the devices of its lane.

    Attributes:
        learner: The learner of each run.
        devices: The devices of all lanes.
        updates_per_call: The most updates one compiled call makes.
        runs: The number of runs R.
        lanes: The number of lanes, which divides both runs and devices.
        hyperparameters: The numeric settings of each run; the learner's own where there are none.
        compiled: True if its program was compiled for runs before these.
    """

    learner: Learner
    devices: tuple[jax.Device, ...]
    updates_per_call: int
    runs: int = 1
    lanes: int = 1
    hyperparameters: Sequence[Hyperparameters] = ()
    compiled: bool = False
    _pending: list[Future[Any]] = field(default_factory=list, init=False, compare=False, repr=False)

    @cached_property
    def mesh(self) -> Mesh:
        """The devices, a lane a row."""
        return Mesh(np.array(self.devices).reshape(self.lanes, -1), (RUNS, DEVICES))

    @property
    def devices_a_run(self) -> int:
        """Number of devices that the environments of a run are split over."""
        return int(self.mesh.shape[DEVICES])

    @cached_property
    def state_shapes(self) -> Any:
        """The state of one run as shapes and types; nothing is computed."""
        return jax.eval_shape(self._compiled_initial_state, jnp.uint32(0))

    def for_other_runs(self, hyperparameters: Sequence[Hyperparameters]) -> "Population":
        """A population of as many other runs, which shares what is compiled for these."""
        other = replace(self, hyperparameters=hyperparameters, compiled=True)
        of_these = {"_constants"} | {each.name for each in fields(self)}
        vars(other).update(
            {name: value for name, value in vars(self).items() if name not in of_these}
        )
        return other

    def first_state(self, seed: int) -> Any:
        """The state before the first update of the run with a seed, on the host."""
        with in_one_thread():
            return jax.device_get(self._compiled_initial_state(jnp.uint32(seed)))

    def initial_state(self, *seeds: int) -> Any:
        """The joint state before the first update of the runs with some seeds, on the devices."""
        return self.join([self.first_state(seed) for seed in seeds])

    def join(self, states: Sequence[Any]) -> Any:
        """The joint state of all runs, on the devices.

        Raises:
            ValueError: There are not as many states as runs.
        """
        if len(states) != self.runs:
            raise ValueError(f"states: expected {self.runs}, found {len(states)}")
        return self._by_sharding(jax.device_put, jax.tree.map(_stacked, *states))

    def split(self, tree: Any) -> list[Any]:
        """Each run's part of a joint state, or of a part of one, on the host."""
        host = jax.device_get(tree)
        return [jax.tree.map(itemgetter(run), host) for run in range(self.runs)]

    def split_metrics(self, metrics: Metrics) -> list[Metrics]:
        """Each run's metrics, [updates], from those of :meth:`run`."""
        return [
            {name: values[:, run] for name, values in metrics.items()} for run in range(self.runs)
        ]

    def compile_ahead(self) -> None:
        """Trace the program of :meth:`run` now, and compile it in a thread until that is called.

        An error in compiling is raised by :meth:`run`. Nothing is done where that is compiled.
        """
        if self.compiled:
            return
        states = self._by_sharding(_shapes_on, self._joint_shapes())
        lowered = self._compiled_run.lower(states, *self._constants, jnp.int32(1))
        executor = ThreadPoolExecutor(max_workers=1)
        self._pending.append(executor.submit(lowered.compile))
        executor.shutdown(wait=False)

    def run(self, state: Any, count: int) -> tuple[Any, Metrics]:
        """Make ``count`` updates in one compiled call; the state given is consumed.

        The number is an argument of the compiled function, not a constant of it: however a run is
        cut into calls, every update is computed by the same instructions.

        Args:
            state: The joint state.
            count: The number of updates, from 1 to ``updates_per_call``.

        Returns:
            The joint state, and the metrics of each update and run, [count, R].

        Raises:
            ValueError: ``count`` is out of its range.
        """
        if not 1 <= count <= self.updates_per_call:
            raise ValueError(f"count: expected 1 to {self.updates_per_call}, found {count}")
        while self._pending:
            self._pending.pop().result()
        state, metrics = self._compiled_run(state, *self._constants, jnp.int32(count))
        return state, jax.tree.map(lambda leaf: np.asarray(leaf)[:count], metrics)

    def run_phases(self, state: Any, on_phase: Callable[[str], None]) -> tuple[Any, Metrics]:
        """Make one update phase by phase; the state given is consumed.

        Args:
            state: The joint state.
            on_phase: Called with each phase's name as soon as its results are there.

        Returns:
            The joint state, and the metrics of the update for each run, [1, R].
        """
        outputs: Any = None
        metrics: Metrics = {}
        for name, run in self._compiled_phases.items():
            state, outputs, of_phase = jax.block_until_ready(run(state, outputs, *self._constants))
            metrics |= of_phase
            on_phase(name)
        return state, jax.tree.map(lambda leaf: np.asarray(leaf)[None], metrics)

    @cached_property
    def _constants(self) -> tuple[Hyperparameters, Int[Array, " E"]]:
        """Arguments of every call beside the state: each run's numbers, and the environments'."""
        each = self.hyperparameters or [self.learner.hyperparameters] * self.runs
        if len(each) != self.runs:
            raise ValueError(f"hyperparameters: expected {self.runs}, found {len(each)}")
        return (
            jax.device_put(jax.tree.map(_stacked, *each), NamedSharding(self.mesh, BY_RUN)),
            jax.device_put(
                jnp.arange(self.learner.budget.environments),
                NamedSharding(self.mesh, BY_ENVIRONMENT),
            ),
        )

    @cached_property
    def _compiled_initial_state(self) -> jax.stages.Wrapped:
        return jax.jit(self.learner.initial_state)

    @cached_property
    def _compiled_phases(self) -> dict[str, Callable[..., Any]]:
        """The phases as compiled functions, by name."""
        inputs: Any = None
        compiled: dict[str, Callable[..., Any]] = {}
        for number, phase in enumerate(self.learner.phases):
            outputs = _by_run(phase.output_sharding)
            compiled[phase.name] = self._over_devices(
                self._of_each_run(partial(self._iteration, slice(number, number + 1))),
                (self._state_sharding, inputs, BY_RUN, BY_ENVIRONMENT),
                (self._state_sharding, outputs, BY_RUN),
            )
            inputs = outputs
        return compiled

    @cached_property
    def _compiled_run(self) -> jax.stages.Wrapped:
        return self._over_devices(
            self._run_shard,
            (self._state_sharding, BY_RUN, BY_ENVIRONMENT, EVERYWHERE),
            (self._state_sharding, PartitionSpec(None, RUNS)),
        )

    def _run_shard(
        self,
        state: Any,
        hyperparameters: Hyperparameters,
        environments: Int[Array, " E"],
        count: Int[Array, ""],
    ) -> tuple[Any, Metrics]:
        """``count`` iterations on one device, their metrics written into rows 0 .. count-1."""
        iteration = jax.jit(self._of_each_run(partial(self._iteration, slice(None))))
        shapes = jax.eval_shape(iteration, state, None, hyperparameters, environments)[2]
        blank = jax.tree.map(
            lambda leaf: jnp.zeros((self.updates_per_call, *leaf.shape), leaf.dtype), shapes
        )

        def step(index: Int[Array, ""], carry: tuple[Any, Metrics]) -> tuple[Any, Metrics]:
            state, rows = carry
            state, _, metrics = iteration(state, None, hyperparameters, environments)
            return state, jax.tree.map(lambda rows, row: rows.at[index].set(row), rows, metrics)

        return jax.lax.fori_loop(0, count, step, (state, blank))

    def _iteration(
        self,
        chosen: slice,
        state: Any,
        inputs: Any,
        hyperparameters: Hyperparameters,
        environments: Int[Array, " E"],
    ) -> tuple[Any, Any, Metrics]:
        """The chosen phases in turn, by one run's numbers, as a phase of its own."""
        phases: tuple[Phase, ...] = self.learner.with_hyperparameters(hyperparameters).phases
        outputs: Any = inputs
        metrics: Metrics = {}
        for phase in phases[chosen]:
            state, outputs, of_phase = phase.run(state, outputs, environments)
            metrics |= of_phase
        return state, outputs, metrics

    def _of_each_run(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A phase of one run as one of all the runs of a lane.

        Where a lane has one run its axis is taken off: XLA would multiply batches of one matrix.
        """
        if self.runs > self.lanes:
            return jax.vmap(function, in_axes=(0, 0, 0, None))

        def of_the_run(*arguments: Any) -> Any:
            *of_runs, environments = arguments
            results = function(*jax.tree.map(itemgetter(0), of_runs), environments)
            return jax.tree.map(lambda leaf: leaf[None], results)

        return of_the_run

    def _over_devices(
        self, function: Callable[..., Any], inputs: Any, outputs: Any
    ) -> jax.stages.Wrapped:
        mapped = jax.shard_map(
            function, mesh=self.mesh, in_specs=inputs, out_specs=outputs, check_vma=False
        )
        return jax.jit(mapped, donate_argnums=0, compiler_options=compiler_options())

    @cached_property
    def _state_sharding(self) -> Any:
        return _by_run(self.learner.state_sharding)

    def _joint_shapes(self) -> Any:
        """The joint state as shapes and types."""
        return jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((self.runs, *leaf.shape), leaf.dtype),
            self.state_shapes,
        )

    def _by_sharding(self, function: Callable[[Any, NamedSharding], Any], state: Any) -> Any:
        """A function of each part of a joint state and of its sharding."""
        return jax.tree.map(
            lambda spec, part: function(part, NamedSharding(self.mesh, spec)),
            self._state_sharding,
            state,
            is_leaf=is_spec,
        )


def make_population(
    learner: Learner,
    runs: int,
    limit: int,
    updates_per_call: int,
    hyperparameters: Sequence[Hyperparameters] = (),
) -> Population:
    """A population over all devices that are of use.

    The runs are split over as many devices as divide them and leave each run the devices that the
    limit asks for; each one's environments are split over the devices that are left to it.

    Args:
        learner: The learner of each run.
        runs: The number of runs.
        limit: The most devices for a run's environments, fewer where there are not as many or they
            do not divide the work; 0 for all that are of use.
        updates_per_call: The most updates one compiled call makes.
        hyperparameters: The numeric settings of each run; the learner's own where there are none.
    """
    available = jax.local_devices()
    wanted = len(choose_devices(learner.shares, limit)) if limit else 1
    lanes = max(n for n in range(1, len(available) // wanted + 1) if runs % n == 0)
    room = len(available) // lanes
    lane = len(choose_devices(learner.shares, min(limit or room, room)))
    devices = tuple(available[: lanes * lane])
    return Population(learner, devices, updates_per_call, runs, lanes, hyperparameters)


def choose_devices(shares: int, limit: int) -> list[jax.Device]:
    """The most local devices that a learner's work splits over evenly.

    Args:
        shares: Number of equal shares that it splits into.
        limit: The most devices to use; 0 for all there are.
    """
    available = jax.local_devices()
    count = min(limit or len(available), len(available))
    while shares % count:
        count -= 1
    return available[:count]


def _by_run(sharding: Any) -> Any:
    """The sharding of a run's tree as that of all runs' trees."""
    return jax.tree.map(lambda spec: PartitionSpec(RUNS, *spec), sharding, is_leaf=is_spec)


def _stacked(*parts: Any) -> Any:
    """Arrays with the run in front, on the host but for random keys; one array is not copied."""
    if len(parts) == 1:
        return parts[0][None]
    typed = jnp.issubdtype(parts[0].dtype, jax.dtypes.prng_key)
    return jnp.stack(parts) if typed else np.stack(parts)


def _shapes_on(part: Any, sharding: NamedSharding) -> Any:
    """The shapes and types of arrays with a sharding."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), part
    )
