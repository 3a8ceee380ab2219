"""Running a learner's phases over devices: environments are split, parameters are everywhere."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from gpae.garbage import collect_garbage_as_ever, without_garbage_collection
from gpae.kernels.compiler import compiler_options
from gpae.kernels.factorisation import in_one_thread
from gpae.training.collection import EpisodeTotals
from gpae.training.protocol import Learner, Metrics
from gpae.training.reduce import DEVICES

EVERYWHERE: Any = PartitionSpec()
BY_ENVIRONMENT: Any = PartitionSpec(DEVICES)
BY_TIME_AND_ENVIRONMENT: Any = PartitionSpec(None, DEVICES)
BY_ROLLOUT_TIME_AND_ENVIRONMENT: Any = PartitionSpec(None, None, DEVICES)


def choose_devices(shares: int, limit: int) -> list[jax.Device]:
    """The most local devices that a learner's work splits over evenly.

    Args:
        shares: Into how many equal shares it splits.
        limit: The most devices to use; 0 for all there are.
    """
    available = jax.local_devices()
    count = min(limit or len(available), len(available))
    while shares % count:
        count -= 1
    return available[:count]


@dataclass(frozen=True)
class Runner:
    """A learner's compiled functions on the given devices.

    Attributes:
        learner: The learner.
        devices: The devices its environments are split over.
        updates_per_call: The most updates one compiled call makes.
    """

    learner: Learner
    devices: tuple[jax.Device, ...]
    updates_per_call: int
    _pending: list[Future[Any]] = field(default_factory=list, init=False, compare=False, repr=False)

    @cached_property
    def mesh(self) -> Mesh:
        """The devices, :data:`DEVICES` the axis that environments are split over."""
        return Mesh(np.array(self.devices), (DEVICES,))

    @property
    def devices_a_run(self) -> int:
        """Over how many devices the environments of a run are split."""
        return int(self.mesh.shape[DEVICES])

    def compile_ahead(self) -> None:
        """Trace what :meth:`run` calls, and compile it beside whatever is done until it is called.

        What goes wrong in compiling it is raised by :meth:`run`.
        """
        with without_garbage_collection():
            states = self._by_sharding(_laid_out, self._joined_shapes())
            lowered = self._compiled_run.lower(states, self._environments, jnp.int32(1))
        executor = ThreadPoolExecutor(max_workers=1)
        self._pending.append(executor.submit(lowered.compile))
        executor.shutdown(wait=False)

    @cached_property
    def state_shapes(self) -> Any:
        """The state of one run as shapes and types; nothing is computed."""
        return jax.eval_shape(self._compiled_initial_state, jnp.uint32(0))

    def initial_state(self, seed: int) -> Any:
        """The state before the first update of the run with a seed, laid out over the devices."""
        return self.join([self.first_state(seed)])

    def first_state(self, seed: int) -> Any:
        """The same on the host, whatever the devices."""
        with in_one_thread():
            return jax.device_get(self._compiled_initial_state(jnp.uint32(seed)))

    def join(self, states: Sequence[Any]) -> Any:
        """Lay out the states of all its runs, here of one."""
        (state,) = states
        return self.place(state)

    def split(self, tree: Any) -> list[Any]:
        """A state, or a part of one, of each of its runs."""
        return [tree]

    def split_results(self, results: Any) -> list[Any]:
        """Of what :meth:`run` told, beside the state, what it told of each of its runs."""
        return [results]

    def place(self, state: Any) -> Any:
        """Lay out a state (of host or device arrays) over the devices."""
        return self._by_sharding(jax.device_put, state)

    def run(self, state: Any, count: int) -> tuple[Any, EpisodeTotals, Metrics]:
        """Make ``count`` updates in one compiled call; the state given is consumed.

        The number is an argument of the compiled function, not a constant of it: however a run is
        cut into calls, every update is computed by the same instructions.

        Returns:
            The state, and episode totals and metrics with one element an update.

        Raises:
            ValueError: ``count`` is not from 1 to ``updates_per_call``.
        """
        if not 1 <= count <= self.updates_per_call:
            raise ValueError(f"count: expected 1 to {self.updates_per_call}, found {count}")
        ahead = bool(self._pending)
        while self._pending:
            self._pending.pop().result()
        state, totals, metrics = self._compiled_run(state, self._environments, jnp.int32(count))
        if ahead:
            collect_garbage_as_ever()
        return state, *jax.tree.map(lambda leaf: np.asarray(leaf)[:count], (totals, metrics))

    def run_phases(
        self, state: Any, on_phase: Callable[[str], None]
    ) -> tuple[Any, EpisodeTotals, Metrics]:
        """Make one update phase by phase, and tell when each one's result is there."""
        state, handed, totals = jax.block_until_ready(
            self._compiled_collect(state, self._environments)
        )
        on_phase("collect")
        metrics: Metrics = {}
        for name, run in self._compiled_phases.items():
            state, handed, told = jax.block_until_ready(run(state, handed, self._environments))
            metrics |= told
            on_phase(name)
        return state, *jax.tree.map(lambda leaf: np.asarray(leaf)[None], (totals, metrics))

    @cached_property
    def _specs(self) -> Any:
        """How the states of all its runs are laid out."""
        return self.learner.state_specs

    @property
    def _results_spec(self) -> Any:
        """How the results of :meth:`run` are laid out, beside the states."""
        return EVERYWHERE

    def _joined_shapes(self) -> Any:
        """The states of all its runs as shapes and types."""
        return self.state_shapes

    def _by_sharding(self, function: Callable[[Any, NamedSharding], Any], states: Any) -> Any:
        """The function of each part of the states and of how it is laid out."""
        return jax.tree.map(
            lambda spec, part: function(part, NamedSharding(self.mesh, spec)),
            self._specs,
            states,
            is_leaf=is_spec,
        )

    @cached_property
    def _environments(self) -> Int[Array, " E"]:
        return jax.device_put(
            jnp.arange(self.learner.budget.environments),
            NamedSharding(self.mesh, BY_ENVIRONMENT),
        )

    @cached_property
    def _compiled_initial_state(self) -> jax.stages.Wrapped:
        return jax.jit(self.learner.initial_state)

    @cached_property
    def _compiled_collect(self) -> Callable[..., Any]:
        specs, hands_on = self.learner.state_specs, self.learner.collect_hands_on
        return self._over_devices(
            self.learner.collect_phase, (specs, BY_ENVIRONMENT), (specs, hands_on, EVERYWHERE)
        )

    @cached_property
    def _compiled_phases(self) -> dict[str, Callable[..., Any]]:
        """The phases after collection as compiled functions, by name."""
        specs, received = self.learner.state_specs, self.learner.collect_hands_on
        compiled: dict[str, Callable[..., Any]] = {}
        for phase in self.learner.phases:
            compiled[phase.name] = self._over_devices(
                phase.run, (specs, received, BY_ENVIRONMENT), (specs, phase.hands_on, EVERYWHERE)
            )
            received = phase.hands_on
        return compiled

    @cached_property
    def _compiled_run(self) -> jax.stages.Wrapped:
        return self._over_devices(
            self._run_shard,
            (self._specs, BY_ENVIRONMENT, EVERYWHERE),
            (self._specs, self._results_spec, self._results_spec),
        )

    def _run_shard(
        self, state: Any, environments: Int[Array, " E"], count: Int[Array, ""]
    ) -> tuple[Any, EpisodeTotals, Metrics]:
        """``count`` iterations on one device, their results written into rows 0 .. count-1."""
        iteration = jax.jit(self._iteration)
        shapes = jax.eval_shape(iteration, state, environments)[1:]
        blank = jax.tree.map(
            lambda leaf: jnp.zeros((self.updates_per_call, *leaf.shape), leaf.dtype), shapes
        )

        def step(index: Int[Array, ""], carry: Any) -> Any:
            state, results = carry
            state, *result = iteration(state, environments)
            return state, jax.tree.map(
                lambda rows, row: rows.at[index].set(row), results, tuple(result)
            )

        state, results = jax.lax.fori_loop(0, count, step, (state, blank))
        return state, *results

    def _iteration(
        self, state: Any, environments: Int[Array, " E"]
    ) -> tuple[Any, EpisodeTotals, Metrics]:
        """Collection and then every phase, on one device."""
        state, handed, totals = self.learner.collect_phase(state, environments)
        metrics: Metrics = {}
        for phase in self.learner.phases:
            state, handed, told = phase.run(state, handed, environments)
            metrics |= told
        return state, totals, metrics

    def _over_devices(
        self, function: Callable[..., Any], inputs: Any, outputs: Any
    ) -> jax.stages.Wrapped:
        mapped = jax.shard_map(
            function, mesh=self.mesh, in_specs=inputs, out_specs=outputs, check_vma=False
        )
        return jax.jit(mapped, donate_argnums=0, compiler_options=compiler_options())


def is_spec(node: Any) -> bool:
    """Whether a node of a tree says how all below it is laid out."""
    return isinstance(node, PartitionSpec)


def _laid_out(part: Any, sharding: NamedSharding) -> Any:
    """Shapes and types of arrays laid out so."""
    return jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding), part
    )
