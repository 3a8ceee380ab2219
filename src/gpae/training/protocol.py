"""The protocol of a learner: phases over a state, whichever kind of method it trains."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jaxtyping import Array, Int

from gpae.methods import Metrics
from gpae.networks import NetworkSettings
from gpae.training.hyperparameters import Hyperparameters
from gpae.training.keys import Seed
from gpae.training.state import Params

PhaseFunction = Callable[[Any, Any, Int[Array, " E"]], tuple[Any, Any, Metrics]]


@dataclass(frozen=True)
class Budget:
    """Numbers of everything in a run; env steps are transitions, not multiplied by agents.

    Attributes:
        environments: Environments collected from in an iteration.
        env_steps: Environment steps an update.
        gradient_steps: Gradient steps an update.
        updates: Updates of the whole run.
        warmup: The first updates, which collect and make no gradient step.
    """

    environments: int
    env_steps: int
    gradient_steps: int
    updates: int
    warmup: int = 0

    def gradient_steps_after(self, update: int) -> int:
        """Gradient steps made in the first ``update`` updates."""
        return max(0, update - self.warmup) * self.gradient_steps


@dataclass(frozen=True)
class Phase:
    """A part of an iteration, which can be timed on its own.

    Attributes:
        name: Its name in tables and metrics.
        run: ``(state, inputs, environments) -> (state, outputs, metrics)``; the outputs are the
            next phase's inputs, the first phase's inputs are None.
        output_sharding: Sharding of the outputs over devices: a prefix of their tree, of partition
            specs.
    """

    name: str
    run: PhaseFunction
    output_sharding: Any = None


class Learner(Protocol):
    """The constants of a run; its functions are pure functions of a state, a pytree of arrays.

    An iteration is each of :attr:`phases` in turn. They run on one device's share of the
    environments, inside a function mapped over devices.

    The state has the fields ``update`` (the number of updates made), ``params`` (by network name;
    ``params["actor"]`` are those of :attr:`actor`) and ``optimiser_states``.
    """

    @property
    def budget(self) -> Budget:
        """Numbers of everything in the run."""

    @property
    def shares(self) -> int:
        """Number of equal shares of environments and batches; devices must divide it."""

    @property
    def actor(self) -> Any:
        """The network that acts on observations, for evaluation."""

    @property
    def network(self) -> NetworkSettings:
        """The settings of that network."""

    @property
    def state_sharding(self) -> Any:
        """Sharding of the state over devices: a prefix of its tree, of partition specs."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases of an iteration in order, collection first."""

    @property
    def hyperparameters(self) -> Hyperparameters:
        """The numbers among its settings that are data of a run."""

    def with_hyperparameters(self, values: Hyperparameters) -> "Learner":
        """The same learner with other numbers, which may be traced."""

    def initial_state(self, seed: Seed) -> Any:
        """The state before the first update of the run with a seed, for all its environments."""

    def with_new_episodes(self, state: Any) -> Any:
        """A state whose episodes under way are cut off, and new ones begun in their place."""

    def with_params(self, state: Any, params: Params) -> Any:
        """A first state with other parameters, of the same shapes."""
