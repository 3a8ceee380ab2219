"""What a run needs of a learner, whichever kind it is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from jaxtyping import Array, Float, Int

from gpae.networks import NetworkSettings
from gpae.training.collection import EpisodeTotals
from gpae.training.keys import Seed

Metrics = dict[str, Float[Array, ""]]

PhaseFunction = Callable[[Any, Any, Int[Array, " E"]], tuple[Any, Any, Metrics]]


@dataclass(frozen=True)
class Budget:
    """How many of everything a run has; env steps are transitions, not multiplied by agents.

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
        name: What it is called.
        run: ``(state, handed, environments) -> (state, handed, metrics)``, where ``handed`` is what
            the phase before leaves for this one, and this one for the next; None where nothing is.
        hands_on: How what it leaves is laid out over devices.
    """

    name: str
    run: PhaseFunction
    hands_on: Any = None


class Learner(Protocol):
    """What never changes in a run; its functions are pure functions of a state, a pytree of arrays.

    An iteration is :meth:`collect_phase` and then each of :attr:`phases`. They run on one device's
    share of the environments, inside a function mapped over devices.

    The state has the fields ``update`` (the number of updates made), ``params`` (of which
    ``params.actor`` is what :attr:`actor` acts with) and ``optimiser_states``.
    """

    @property
    def budget(self) -> Budget:
        """How many of everything the run has."""

    @property
    def shares(self) -> int:
        """Into how many equal shares environments and batches split; devices must divide it."""

    @property
    def actor(self) -> Any:
        """The network that acts on observations, for evaluation."""

    @property
    def network(self) -> NetworkSettings:
        """The settings of that network."""

    @property
    def state_specs(self) -> Any:
        """How the state is laid out over devices: a prefix of its tree, of partition specs."""

    @property
    def collect_hands_on(self) -> Any:
        """How what collection leaves for the first phase is laid out; None if it is nothing."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """What an iteration consists of after collection, in order."""

    def initial_state(self, seed: Seed) -> Any:
        """The state before the first update of the run with a seed, for all its environments."""

    def collect_phase(
        self, state: Any, environments: Int[Array, " E"]
    ) -> tuple[Any, Any, EpisodeTotals]:
        """Act in the environments, and sum up the episodes that ended, on all devices.

        Returns:
            The state, what is left for the first phase, and the episodes' totals.
        """
