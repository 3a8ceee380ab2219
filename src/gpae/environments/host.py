"""Environments that run on the host, outside JAX, behind the :class:`Environment` protocol.

A compiled program calls the host once a step, for all its environments at once. The program's state
of an environment is no more than its place among them: the episode itself is the host's, goes on by
one step a call, and cannot be gone back to.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, cast

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jax.experimental import io_callback
from jaxtyping import Array, Int, PRNGKeyArray, Shaped

from gpae.environments.environment import (
    Actions,
    EnvironmentSpec,
    EnvironmentState,
    Observation,
    Step,
)
from gpae.errors import UserError

_FAILURE = "failure on the host: "
"""Mark of a line, amid what JAX says of a failed call, that is for the user."""


@struct.dataclass
class HostStep:
    """Result of one step of an episode on the host, in NumPy's arrays.

    Attributes:
        observation: The true successor.
        reward: The reward, as :attr:`Step.reward`.
        terminated: As :attr:`Step.terminated`.
        truncated: As :attr:`Step.truncated`.
    """

    observation: Observation
    reward: Any
    terminated: Any
    truncated: Any


class Episode(Protocol):
    """An environment on the host, with the agents stacked in NumPy's arrays."""

    def reset(self, seed: int) -> Observation:
        """Begin an episode."""

    def step(self, actions: Shaped[np.ndarray, "N *A"]) -> HostStep:
        """Make one transition; the episode has not ended."""


@struct.dataclass
class Place:
    """The state of an environment, as far as a program knows it.

    Attributes:
        number: The environment's place on the host.
        turn: The number of calls of the host before this state.
    """

    number: Int[Array, "*b"]
    turn: Int[Array, "*b"]


@dataclass
class Host:
    """The episodes of one :class:`HostEnvironment`: those of its last reset.

    Attributes:
        make: Function that makes an environment.
        name: The task's name.
    """

    make: Callable[[], Episode]
    name: str
    turn: int = 0
    _episodes: list[Episode] = field(default_factory=list)
    _ended: dict[int, HostStep] = field(default_factory=dict)

    def reset(self, seeds: Any) -> tuple[Place, Observation]:
        """Begin as many episodes as there are seeds, [E]; all earlier ones are over."""
        self._episodes += [self.make() for _ in range(len(seeds) - len(self._episodes))]
        self._ended.clear()
        with self._failures_named():
            begun = [self._episodes[n].reset(int(seed)) for n, seed in enumerate(np.asarray(seeds))]
        return self._places(np.arange(len(seeds), dtype=np.int32)), _stacked(begun)

    def step(self, place: Place, actions: Any) -> tuple[Place, HostStep]:
        """Step every episode that has not ended."""
        steps = self._steps(place, actions)
        return self._places(place.number), _stacked(steps)

    def step_and_reset(
        self, place: Place, actions: Any, seeds: Any
    ) -> tuple[Place, Observation, HostStep]:
        """Step every episode, and begin anew where one ended."""
        steps, following = self._steps(place, actions), []
        numbers, seeds = np.asarray(place.number), np.asarray(seeds)
        for number, seed, step in zip(numbers, seeds, steps, strict=True):
            following.append(step.observation)
            if self._ended.pop(int(number), None) is not None:
                with self._failures_named():
                    following[-1] = self._episodes[number].reset(int(seed))
        return self._places(place.number), _stacked(following), _stacked(steps)

    def _steps(self, place: Place, actions: Any) -> list[HostStep]:
        if (np.asarray(place.turn) != self.turn).any():
            raise RuntimeError("an episode on the host cannot be gone back to")
        return [
            self._step(int(number), of_episode)
            for number, of_episode in zip(
                np.asarray(place.number), np.asarray(actions), strict=True
            )
        ]

    def _step(self, number: int, actions: Any) -> HostStep:
        if number in self._ended:
            last = self._ended[number]
            return replace(last, reward=np.zeros_like(last.reward))
        with self._failures_named():
            step = self._episodes[number].step(actions)
        if step.terminated or step.truncated:
            self._ended[number] = step
        return step

    @contextmanager
    def _failures_named(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            cause = " ".join(str(error).split())
            raise RuntimeError(
                f"{_FAILURE}{self.name}: its own code failed: {type(error).__name__}: {cause}"
            ) from error

    def _places(self, numbers: Any) -> Place:
        self.turn += 1
        numbers, make = np.asarray(numbers), cast(Any, Place)
        place: Place = make(number=numbers, turn=np.full_like(numbers, self.turn))
        return place


class HostEnvironment:
    """An environment whose episodes run on the host.

    It serves one use at a time: a reset ends all episodes of the one before. :meth:`another` is for
    a second use beside it, as evaluation is beside training.
    """

    on_host = True

    def __init__(
        self, spec: EnvironmentSpec, make: Callable[[], Episode], like: Observation
    ) -> None:
        """Wrap episodes of the host.

        Args:
            spec: The sizes.
            make: Function that makes an environment of such sizes.
            like: An observation of one, for its types.
        """
        self._spec, self._make, self._like = spec, make, like
        reward = np.zeros(spec.num_agents if spec.agent_rewards else (), np.float32)
        no = np.array(False)
        step = HostStep(observation=like, reward=reward, terminated=no, truncated=no)
        self._host = Host(make, spec.name)
        place = Place(number=jnp.int32(0), turn=jnp.int32(0))
        self._call_reset = _one_call(self._host.reset, (place, like))
        self._call_step = _one_call(self._host.step, (place, step))
        self._call_both = _one_call(self._host.step_and_reset, (place, like, step))

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""
        return self._spec

    def another(self) -> "HostEnvironment":
        """The same environment with episodes of its own."""
        return HostEnvironment(self._spec, self._make, self._like)

    def reset(self, key: PRNGKeyArray) -> tuple[EnvironmentState, Observation]:
        """Begin an episode, with a seed that follows from the key."""
        place, observation = self._call_reset(_seed(key))
        return place, observation

    def step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Step]:
        """Make one transition; all chance follows from the reset's seed.

        An episode that has ended stays where it is, and pays nothing.
        """
        del key
        place, step = self._call_step(state, actions)
        return place, self._step(step, actions)

    def auto_reset_step(
        self, key: PRNGKeyArray, state: EnvironmentState, actions: Actions
    ) -> tuple[EnvironmentState, Observation, Step]:
        """:func:`auto_reset_step` in one call, which resets the episodes that ended alone."""
        place, following, step = self._call_both(state, actions, _seed(key))
        return place, following, self._step(step, actions)

    def _step(self, step: HostStep, actions: Actions) -> Step:
        return Step(
            observation=step.observation,
            actions=actions,
            reward=step.reward,
            terminated=step.terminated,
            truncated=step.truncated,
            outcomes={},
            forced=jnp.zeros(self._spec.num_agents, bool),
        )


def is_on_host(environment: Any) -> bool:
    """True for an environment whose episodes run outside JAX."""
    return bool(getattr(environment, "on_host", False))


def beside(environment: Any) -> Any:
    """An environment for episodes beside those of this one: itself, unless they are on the host."""
    return environment.another() if is_on_host(environment) else environment


@contextmanager
def host_failures() -> Iterator[None]:
    """Report a failure of an environment's own code on the host in one line.

    Raises:
        UserError: The code has failed.
    """
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        found = re.search(rf"{re.escape(_FAILURE)}(.*)", str(error))
        if found is None:
            raise
        raise UserError(found[1]) from error


def require_in_jax(environment: Any, purpose: str) -> None:
    """Refuse an environment on the host for what needs one in JAX.

    Args:
        environment: The environment.
        purpose: What needs one, as the subject of a sentence and its verb, such as
            ``"gpae credit goes back to states"``.

    Raises:
        UserError: Its episodes run on the host.
    """
    if is_on_host(environment):
        raise UserError(
            f"{purpose}, and the episodes of {environment.spec.name} run outside JAX, one program "
            "at a time and forwards alone"
        )


def _seed(key: PRNGKeyArray) -> Array:
    return jax.random.bits(key, dtype=jnp.uint32)


def _stacked(parts: Sequence[Any]) -> Any:
    return jax.tree.map(lambda *leaves: np.stack(leaves), *parts)


def _one_call(host: Callable[..., Any], result: Any) -> Callable[..., Any]:
    """A function of one environment that, mapped over many, calls the host once.

    The calls are in order because each needs the turn that the one before has returned.

    Args:
        host: The function of many environments, on the host.
        result: Its result for one, for its shapes and types.
    """

    def of_many(size: int, *arguments: Any) -> Any:
        shapes = jax.tree.map(
            lambda leaf: jax.ShapeDtypeStruct((size, *np.shape(leaf)), leaf.dtype), result
        )
        return io_callback(host, shapes, *arguments)

    @jax.custom_batching.custom_vmap
    def call(*arguments: Any) -> Any:
        alone = jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], arguments)
        return jax.tree.map(lambda leaf: leaf[0], of_many(1, *alone))

    @call.def_vmap
    def _(size: int, batched: Any, *arguments: Any) -> Any:
        every = jax.tree.map(
            lambda leaf, mapped: leaf if mapped else jnp.broadcast_to(leaf, (size, *leaf.shape)),
            arguments,
            tuple(batched),
        )
        return of_many(size, *every), jax.tree.map(lambda _: True, result)

    return call
