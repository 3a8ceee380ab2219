"""Check of the values in one short rollout of an environment by random actions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Int, PRNGKeyArray, Shaped

from gpae.environments.environment import (
    ActionSpace,
    DiscreteActions,
    Environment,
    EnvironmentSpec,
    Observation,
    ResetsItself,
    Step,
)
from gpae.errors import UserError


def check_rollout(environment: Environment, steps: int, environments: int, seed: int) -> None:
    """Refuse an environment of whose arrays a value is wrong in a rollout.

    Args:
        environment: The environment, of the shapes and types that it must have.
        steps: Steps of the rollout.
        environments: Number of environments stepped side by side.
        seed: Seed of the actions and of the environments' own draws.

    Raises:
        UserError: The earliest fault.
    """
    acted_on, played = _play(environment, steps, environments, seed)
    faults = [fault for fault in _faults(environment.spec, acted_on, played) if fault.where.any()]
    if faults:
        earliest = min(faults, key=lambda fault: fault.time)
        lengths = _lengths(played.boundary)
        raise UserError(f"{environment.spec.name}: {earliest.described(played, lengths)}")


@dataclass(frozen=True)
class Fault:
    """A kind of fault, and where it is.

    Attributes:
        field: The field, in words.
        problem: The fault in words.
        where: True at its places, [T, E] or, for a field of each agent, [T, E, N].
        begins: Whether it is in the observation that an episode begins with.
    """

    field: str
    problem: str
    where: Bool[Any, "T E *N"]
    begins: bool = False

    @property
    def time(self) -> int:
        """The first step of the rollout that has it."""
        return int(np.argwhere(self.where)[0][0])

    def described(self, played: Step, lengths: Int[Any, "T E"]) -> str:
        """The field, the agent, the fault and the step."""
        time, environment, *agent = np.argwhere(self.where)[0]
        of_agent = f" of agent {agent[0]}" if agent else ""
        if agent and not self.begins and not played.observation.alive[time, environment, agent[0]]:
            of_agent += ", which is dead there,"
        step = lengths[time, environment]
        after = "a reset" if self.begins else f"step {step} of an episode"
        return f"{self.field}{of_agent} {self.problem} after {after}"


def _faults(spec: EnvironmentSpec, acted_on: Observation, played: Step) -> Iterator[Fault]:
    """Every kind of fault, causes before effects; those that are nowhere too."""
    begins = np.concatenate([np.ones_like(played.boundary[:1]), played.boundary[:-1]])
    yield from _of_observation(spec, acted_on, begins, begins=True)
    # Nothing is learnt from an observation after which there is nothing to be done.
    yield from _of_observation(spec, played.observation, ~played.terminated, begins=False)
    yield Fault("reward", "is not finite", _not_finite(played.reward))
    if played.shaped_reward is not None:
        yield Fault("shaped_reward", "is not finite", _not_finite(played.shaped_reward))
    for name, value in played.outcomes.items():
        broken = _not_finite(value) & played.boundary
        yield Fault(f"outcome {name!r}", "is not finite", broken)
    both = played.terminated & played.truncated
    yield Fault("terminated and truncated", "are both true", both)
    if spec.max_episode_steps is not None:
        beyond = ~played.boundary & (_lengths(played.boundary) >= spec.max_episode_steps)
        boundary = f"the boundary of max_episode_steps={spec.max_episode_steps}"
        yield Fault(boundary, "is missing", beyond)


def _of_observation(
    spec: EnvironmentSpec, found: Observation, where: Bool[Any, "T E"], *, begins: bool
) -> Iterator[Fault]:
    """The faults that an observation can have, at some places."""
    broken = _not_finite(found.observations).any(-1) & where[..., None]
    yield Fault("observations", "are not finite", broken, begins)
    yield Fault("state", "is not finite", _not_finite(found.state).any(-1) & where, begins)
    if isinstance(spec.actions, DiscreteActions):
        idle = ~found.available_actions.any(-1) & where[..., None]
        yield Fault("available_actions", "have no action that it may take", idle, begins)


def _not_finite(values: Any) -> Bool[Any, "..."]:
    return ~np.isfinite(np.asarray(values))


def _lengths(boundary: Bool[Any, "T E"]) -> Int[Any, "T E"]:
    """Steps of the running episode so far, each step included."""
    lengths, running = np.zeros(boundary.shape, int), np.zeros(boundary.shape[1:], int)
    for time, ends in enumerate(boundary):
        running = running + 1
        lengths[time] = running
        running = np.where(ends, 0, running)
    return lengths


def _play(
    environment: Environment, steps: int, environments: int, seed: int
) -> tuple[Observation, Step]:
    """The observations acted on and the steps of a rollout, [T, E, ...], on the host.

    Actions and keys are drawn on the host, so that nothing but the environment is compiled.
    """
    draws = np.random.default_rng(seed)
    reset, advance = _player(environment, lambda: _keys(draws, environments))
    state, observation = reset()
    played = []
    for _ in range(steps):
        acted_on = jax.device_get(observation)
        actions = random_actions(environment.spec.actions, draws, acted_on.available_actions)
        state, observation, taken = advance(state, actions)
        played.append((acted_on, jax.device_get(taken)))
    stacked: tuple[Observation, Step] = jax.tree.map(lambda *leaves: np.stack(leaves), *played)
    return stacked


def _player(
    environment: Environment, keys: Callable[[], PRNGKeyArray]
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Functions that begin the episodes, and that step all and begin anew where one ended.

    Args:
        environment: The environment.
        keys: Function that draws a key for each of the environments.
    """
    reset = _compiled(environment.reset)
    if isinstance(environment, ResetsItself):
        advance = _compiled(environment.auto_reset_step)
        return lambda: reset(keys()), lambda state, actions: advance(keys(), state, actions)
    step, select = _compiled(environment.step), _compiled(_select)

    def step_and_reset(state: Any, actions: Any) -> tuple[Any, Observation, Step]:
        state, taken = step(keys(), state, actions)
        if not np.asarray(taken.boundary).any():
            return state, taken.observation, taken
        return *select(taken.boundary, reset(keys()), (state, taken.observation)), taken

    return lambda: reset(keys()), step_and_reset


def _compiled(function: Callable[..., Any]) -> jax.stages.Wrapped:
    """A function of many environments, compiled in the least time: it runs for a moment only."""
    options = {"xla_backend_optimization_level": 0} if jax.default_backend() == "cpu" else None
    return jax.jit(jax.vmap(function), compiler_options=options)


def _select(condition: Any, if_true: Any, if_false: Any) -> Any:
    return jax.tree.map(partial(jnp.where, condition), if_true, if_false)


def _keys(draws: np.random.Generator, environments: int) -> PRNGKeyArray:
    key = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0)))
    data = draws.integers(2**32, size=(environments, *key.shape), dtype=np.uint32)
    return jax.random.wrap_key_data(jnp.asarray(data))


def random_actions(
    space: ActionSpace, draws: np.random.Generator, available_actions: Bool[Any, "E N A"]
) -> Shaped[np.ndarray, "E N *A"]:
    """Joint actions drawn uniformly from the available ones, or from within the bounds.

    Continuous actions without two finite bounds are drawn as a policy first draws them, from
    normal distributions.
    """
    shape = available_actions.shape
    if isinstance(space, DiscreteActions):
        return np.where(available_actions, draws.random(shape), -1.0).argmax(-1).astype(np.int32)
    if space.is_bounded:
        actions = draws.uniform(space.low, space.high, shape)
    else:
        actions = draws.normal(size=shape).clip(space.low, space.high)
    return np.where(available_actions, actions, 0.0).astype(np.float32)
