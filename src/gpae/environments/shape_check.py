"""Check of an environment's shapes and types, from traces alone: nothing is computed."""

from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from gpae.environments.environment import (
    ContinuousActions,
    DiscreteActions,
    Environment,
    EnvironmentSpec,
    Observation,
    Step,
)
from gpae.errors import UserError


def check_shapes(environment: Environment) -> None:
    """Refuse an environment whose arrays are not those of its spec, or not alike at every step.

    Raises:
        UserError: The first fault found.
    """
    spec = environment.spec
    _check_spec(spec)
    key, actions = jax.random.key(0), spec.actions.joint_action(spec.num_agents)
    state, observation = _pair(jax.eval_shape(environment.reset, key), Observation, "reset", spec)
    _require(spec, "a reset", observation, _of_observation(spec))
    next_state, step = _pair(
        jax.eval_shape(environment.step, key, state, actions), Step, "step", spec
    )
    if not isinstance(step.observation, Observation):
        raise UserError(
            f"{spec.name}: observation of a step is of type {_kind(step.observation)}, and an "
            "Observation is expected"
        )
    _require(spec, "a step", step.observation, _of_observation(spec))
    _require(spec, "a step", step, _of_step(spec))
    _check_shaped_reward(spec, step)
    _check_outcomes(spec, step.outcomes)
    _require_alike(spec, "the environment's state", state, next_state)
    _require_alike(spec, "the observation", observation, step.observation)


def _check_spec(spec: EnvironmentSpec) -> None:
    if not isinstance(spec.actions, DiscreteActions | ContinuousActions):
        raise UserError(
            f"{spec.name}: spec.actions must be DiscreteActions or ContinuousActions, not "
            f"{spec.actions!r}"
        )
    if not _is_positive(spec.num_agents):
        raise UserError(
            f"{spec.name}: spec.num_agents must be a whole number from 1 up, not "
            f"{spec.num_agents!r}"
        )
    if spec.max_episode_steps is not None and not _is_positive(spec.max_episode_steps):
        raise UserError(
            f"{spec.name}: spec.max_episode_steps must be a whole number from 1 up, or None for no "
            f"limit, not {spec.max_episode_steps!r}"
        )
    metrics: Any = spec.metrics
    if isinstance(metrics, str):
        raise UserError(
            f"{spec.name}: spec.metrics must be a tuple of names, such as ({metrics!r},)"
        )


def _is_positive(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _pair(result: Any, kind: type, function: str, spec: EnvironmentSpec) -> tuple[Any, Any]:
    """The results of a reset or a step."""
    if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], kind)):
        found = f"({', '.join(map(_kind, result))})" if isinstance(result, tuple) else _kind(result)
        raise UserError(
            f"{spec.name}: {function} returns {found}, and a pair of the environment's state and "
            f"{'an' if kind is Observation else 'a'} {kind.__name__} is expected"
        )
    return result


Expected = Mapping[str, tuple[tuple[int, ...], Any]]
"""The shape and the type, or kind of types, of fields by name."""


def _of_observation(spec: EnvironmentSpec) -> Expected:
    agents = spec.num_agents
    return {
        "observations": ((agents, spec.observation_size), jnp.number),
        "state": ((spec.state_size,), jnp.number),
        "available_actions": ((agents, spec.actions.size), jnp.bool_),
        "alive": ((agents,), jnp.bool_),
    }


def _of_step(spec: EnvironmentSpec) -> Expected:
    agents = spec.num_agents
    discrete = isinstance(spec.actions, DiscreteActions)
    reward = ((agents,) if spec.agent_rewards else (), jnp.zeros(()).dtype)
    return {
        "actions": (
            spec.actions.joint_action(agents).shape,
            jnp.integer if discrete else jnp.floating,
        ),
        "reward": reward,
        "terminated": ((), jnp.bool_),
        "truncated": ((), jnp.bool_),
        "forced": ((agents,), jnp.bool_),
        **({"shaped_reward": reward} if spec.shaped_rewards else {}),
    }


_KINDS = {jnp.number: "numbers", jnp.integer: "int", jnp.floating: "float", jnp.bool_: "bool"}


def _require(spec: EnvironmentSpec, after: str, found: Any, expected: Expected) -> None:
    """Refuse the first field whose shape or type is another one."""
    for field, (shape, kind) in expected.items():
        array = getattr(found, field)
        if not (_is_array(array) and array.shape == shape and jnp.issubdtype(array.dtype, kind)):
            wanted = f"{_KINDS.get(kind, kind)}{list(shape)}"
            raise UserError(
                f"{spec.name}: {field} after {after} is {_described(array)}, and {wanted} is "
                f"expected{_advice(spec, field, array)}"
            )


def _advice(spec: EnvironmentSpec, field: str, array: Any) -> str:
    if field != "reward" or not _is_array(array):
        return ""
    if array.shape == (spec.num_agents,) and not spec.agent_rewards and spec.num_agents > 1:
        return ": set agent_rewards=True in the spec if each agent is paid its own"
    if array.shape == () and spec.agent_rewards:
        return ": the spec has agent_rewards=True"
    return ""


def _check_shaped_reward(spec: EnvironmentSpec, step: Step) -> None:
    if step.shaped_reward is not None and not spec.shaped_rewards:
        raise UserError(
            f"{spec.name}: a step gives a shaped_reward: set shaped_rewards=True in the spec"
        )


def _check_outcomes(spec: EnvironmentSpec, outcomes: Mapping[str, Any]) -> None:
    missing = [name for name in spec.metrics if name not in outcomes]
    if missing:
        raise UserError(
            f"{spec.name}: the outcome {missing[0]!r} is missing from a step: spec.metrics names it"
        )
    superfluous = [name for name in outcomes if name not in spec.metrics]
    if superfluous:
        raise UserError(
            f"{spec.name}: the outcome {superfluous[0]!r} of a step is not among spec.metrics"
        )
    for name, array in outcomes.items():
        if not (_is_array(array) and array.shape == () and array.dtype != jax.dtypes.float0):
            raise UserError(
                f"{spec.name}: the outcome {name!r} of a step is {_described(array)}, and one "
                "number is expected"
            )


def _require_alike(spec: EnvironmentSpec, name: str, first: Any, later: Any) -> None:
    """Refuse a tree that has another structure, or arrays of other types, after a step."""
    before, after = (dict(_leaves(tree)) for tree in (first, later))
    for path in before | after:
        found = [_described(tree.get(path, "missing")) for tree in (before, after)]
        if found[0] != found[1]:
            raise UserError(
                f"{spec.name}: {name}{path} is {found[0]} after a reset and {found[1]} after a "
                "step, and must be the same"
            )
    structures: list[Any] = [jax.tree.structure(tree) for tree in (first, later)]
    if structures[0] != structures[1]:
        raise UserError(
            f"{spec.name}: {name} has another structure after a reset than after a step: "
            "containers of other types, or other static fields"
        )


def _leaves(tree: Any) -> Iterator[tuple[str, Any]]:
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        yield jax.tree_util.keystr(path), leaf


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _described(value: Any) -> str:
    """An array's type and shape, such as ``float32[2, 3]``, or another value's type."""
    if isinstance(value, str):
        return value
    return f"{value.dtype}{list(value.shape)}" if _is_array(value) else f"of type {_kind(value)}"


def _kind(value: Any) -> str:
    return "array" if _is_array(value) else type(value).__name__
