"""Running a learner's phases over devices: environments are split, parameters are everywhere."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Int

from gpae.training.collection import EpisodeTotals
from gpae.training.estimation import Batch
from gpae.training.learner import Learner, Scalars
from gpae.training.reduce import DEVICES
from gpae.training.state import Rollout, TrainingState, Window

EVERYWHERE: Any = PartitionSpec()
BY_ENVIRONMENT: Any = PartitionSpec(DEVICES)
BY_TIME_AND_ENVIRONMENT: Any = PartitionSpec(None, DEVICES)
BY_ROLLOUT_TIME_AND_ENVIRONMENT: Any = PartitionSpec(None, None, DEVICES)

STATE_SPECS = TrainingState(
    clock=EVERYWHERE,
    parameters=EVERYWHERE,
    optimisers=EVERYWHERE,
    collector=BY_ENVIRONMENT,
    window=Window(
        rollouts=Rollout(
            steps=BY_ROLLOUT_TIME_AND_ENVIRONMENT,
            cuts=BY_ROLLOUT_TIME_AND_ENVIRONMENT,
            memories=BY_TIME_AND_ENVIRONMENT,
        ),
        valid=EVERYWHERE,
    ),
)


def choose_devices(environments: int, minibatches: int, limit: int) -> list[jax.Device]:
    """The most local devices that split environments and minibatches evenly.

    Args:
        environments: Environments collected from.
        minibatches: Minibatches an epoch; each device's share of environments must split into them.
        limit: The most devices to use; 0 for all there are.

    Raises:
        ValueError: The environments do not even split into the minibatches.
    """
    if environments % minibatches:
        raise ValueError(f"{environments} environments do not split into {minibatches} minibatches")
    available = jax.local_devices()
    count = min(limit or len(available), len(available))
    while environments % (count * minibatches):
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

    @cached_property
    def mesh(self) -> Mesh:
        """The devices in a row."""
        return Mesh(np.array(self.devices), (DEVICES,))

    def initial_state(self, seed: int) -> TrainingState:
        """The state before the first update of the run with a seed, laid out over the devices."""
        return self.place(jax.jit(self.learner.initial_state)(jnp.uint32(seed)))

    def place(self, state: Any) -> TrainingState:
        """Lay out a state (of host or device arrays) over the devices."""
        return jax.tree.map(
            lambda spec, part: jax.device_put(part, NamedSharding(self.mesh, spec)),
            STATE_SPECS,
            state,
            is_leaf=lambda node: isinstance(node, PartitionSpec),
        )

    def run(self, state: TrainingState, count: int) -> tuple[TrainingState, EpisodeTotals, Scalars]:
        """Make ``count`` updates in one compiled call; the state given is consumed.

        The number is an argument of the compiled function, not a constant of it: however a run is
        cut into calls, every update is computed by the same instructions.

        Returns:
            The state, and episode totals and scalars with one element an update.
        """
        if not 1 <= count <= self.updates_per_call:
            raise ValueError(f"count: expected 1 to {self.updates_per_call}, found {count}")
        state, totals, scalars = self._compiled_run(state, self._environments, jnp.int32(count))
        return state, *jax.tree.map(lambda leaf: np.asarray(leaf)[:count], (totals, scalars))

    @cached_property
    def phases(self) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
        """Collect, estimate and update as three compiled functions, to be timed one by one."""
        learner = self.learner
        return (
            self._over_devices(
                learner.collect_phase, (STATE_SPECS, BY_ENVIRONMENT), (STATE_SPECS, EVERYWHERE)
            ),
            self._over_devices(
                learner.estimate_phase,
                (STATE_SPECS, BY_ENVIRONMENT),
                (STATE_SPECS, BY_TIME_AND_ENVIRONMENT, EVERYWHERE),
            ),
            self._over_devices(
                learner.update_phase,
                (STATE_SPECS, BY_TIME_AND_ENVIRONMENT),
                (STATE_SPECS, EVERYWHERE),
            ),
        )

    def run_phases(
        self, state: TrainingState, on_phase: Callable[[str], None]
    ) -> tuple[TrainingState, EpisodeTotals, Scalars]:
        """Make one update phase by phase, and tell when each one's result is there."""
        collect, estimate, update = self.phases
        state, totals = jax.block_until_ready(collect(state, self._environments))
        on_phase("collect")
        batch: Batch
        state, batch, diagnostics = jax.block_until_ready(estimate(state, self._environments))
        on_phase("estimate")
        state, scalars = jax.block_until_ready(update(state, batch))
        on_phase("update")
        one = jax.tree.map(
            lambda leaf: np.asarray(leaf)[None], (totals, {**diagnostics, **scalars})
        )
        return state, *one

    @cached_property
    def _environments(self) -> Int[Array, " E"]:
        return jax.device_put(
            jnp.arange(self.learner.budget.environments),
            NamedSharding(self.mesh, BY_ENVIRONMENT),
        )

    @cached_property
    def _compiled_run(self) -> Callable[..., Any]:
        return self._over_devices(
            self._run_shard,
            (STATE_SPECS, BY_ENVIRONMENT, EVERYWHERE),
            (STATE_SPECS, EVERYWHERE, EVERYWHERE),
        )

    def _run_shard(
        self, state: TrainingState, environments: Int[Array, " E"], count: Int[Array, ""]
    ) -> tuple[TrainingState, EpisodeTotals, Scalars]:
        """``count`` iterations on one device, their results written into rows 0 .. count-1."""
        iteration = self.learner.iteration
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

    def _over_devices(self, function: Callable[..., Any], inputs: Any, outputs: Any) -> Any:
        mapped = jax.shard_map(
            function, mesh=self.mesh, in_specs=inputs, out_specs=outputs, check_vma=False
        )
        return jax.jit(mapped, donate_argnums=0)
