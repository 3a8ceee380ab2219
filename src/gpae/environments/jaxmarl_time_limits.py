"""Time limits of JaxMARL environments, found on whichever object holds them.

A wrapper shows the attributes of the environment inside it as if they were its own, and a copy of
the wrapper alone keeps the limit: the chain of objects down to the one that holds it is copied.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gpae.errors import UserError

_NEVER = 2**31 - 1
"""Time limit that no episode reaches."""

_COMMON_NAME = "max_steps"
"""JaxMARL's own name of a time limit."""

_NAMES = (
    _COMMON_NAME,
    "max_episode_steps",
    "max_steps_in_episode",
    "max_timesteps",
    "episode_length",
    "time_limit",
    "horizon",
)
"""Names of attributes that may hold a time limit; one that ends no episode is none."""

_NOT_SEARCHED = (dict, list, tuple, set, type, ModuleType, np.ndarray, jax.Array)


def without_time_limit(
    game: Any, name: str, limit: int | None, program_of_end: Callable[[Any], str]
) -> Any:
    """A copy of an environment without its time limit; the environment itself if it has none.

    Args:
        game: The JaxMARL environment.
        name: Its task's name.
        limit: The stated limit in transitions: as large as the one held or, as JaxMARL may compare
            before it counts, larger by 1. None if it is not stated.
        program_of_end: Function from an environment to the program, as text, that says whether a
            step ends an episode.

    Raises:
        UserError: The limit cannot be found, does not end the episodes, or is not the stated one.
    """
    held = list(_limits(game))
    if not held:
        _require_none(game, name, limit)
        return game
    unlimited = _unlimited(game, {})
    if program_of_end(game) == program_of_end(unlimited):
        _require_unused(held, name, limit)
        return game
    if limit is not None and not {limit, limit - 1} & {value for _, value in held}:
        raise UserError(
            f"{name}: max_episode_steps={limit} is not its {_listed(held)}, nor 1 more: state the "
            "transitions that an episode can have, or leave max_episode_steps out"
        )
    return unlimited


def _require_none(game: Any, name: str, limit: int | None) -> None:
    """Refuse a limit that is stated, or shown by an attribute, and held by no object."""
    shown = _is_count(getattr(game, _COMMON_NAME, None))
    if limit is None and not shown:
        return
    found = "is shown by an object that does not hold it" if shown else "is not one of its objects'"
    raise UserError(
        f"{name}: its time limit cannot be told from its other ends, as the attribute "
        f"{_COMMON_NAME} {found}: keep it in that attribute of the environment or of the one inside"
    )


def _require_unused(held: Sequence[tuple[str, int]], name: str, limit: int | None) -> None:
    """Refuse attributes that end no episode where one of them is taken for the limit."""
    if limit is None and _COMMON_NAME not in dict(held):
        return
    raise UserError(
        f"{name}: its time limit cannot be told from its other ends, as its step_env does not read "
        f"{_listed(held)} when it ends an episode"
    )


def _listed(held: Sequence[tuple[str, int]]) -> str:
    return " and ".join(f"{attribute}={value}" for attribute, value in held)


def _limits(part: Any) -> Iterator[tuple[str, int]]:
    """The attributes that may hold a limit, and their values, of the outermost object first."""
    for holder in _objects(part, set()):
        for attribute in _NAMES:
            value = _own_attribute(holder, attribute)
            if _is_count(value):
                yield attribute, int(value)


def _objects(part: Any, seen: set[int]) -> Iterator[Any]:
    """An object and the ones inside it, each once."""
    if id(part) in seen:
        return
    seen.add(id(part))
    yield part
    for inner in _inner(part).values():
        yield from _objects(inner, seen)


def _inner(part: Any) -> dict[str, Any]:
    """The objects that an object keeps in its attributes, by the attribute."""
    return {
        attribute: value
        for attribute, value in vars(part).items()
        if hasattr(type(value), "__dict__")
        and hasattr(value, "__dict__")
        and not isinstance(value, _NOT_SEARCHED)
        and not callable(value)
    }


def _own_attribute(holder: Any, attribute: str) -> Any:
    """An object's attribute, or its class's, without delegation; None where there is none."""
    places = (vars(holder), *map(vars, type(holder).__mro__))
    return next((place[attribute] for place in places if attribute in place), None)


def _is_count(value: Any) -> bool:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    arrays = isinstance(value, np.ndarray | jax.Array) and value.ndim == 0
    return whole or (arrays and jnp.issubdtype(value.dtype, jnp.integer))


def _unlimited(part: Any, copies: dict[int, Any]) -> Any:
    """A copy, without limits, of an object that holds one itself or inside; else the object."""
    if id(part) not in copies:
        copies[id(part)] = part
        changes: dict[str, Any] = {
            attribute: _NEVER for attribute in _NAMES if _is_count(_own_attribute(part, attribute))
        }
        for attribute, inner in _inner(part).items():
            copy = _unlimited(inner, copies)
            if copy is not inner:
                changes[attribute] = copy
        if changes:
            copies[id(part)] = _with_attributes(part, changes)
    return copies[id(part)]


def _with_attributes(part: Any, changes: Mapping[str, Any]) -> Any:
    """A copy with other attributes; `copy.copy` would ask a delegating object, still empty."""
    kind: Any = type(part)
    copy = kind.__new__(kind)
    vars(copy).update({**vars(part), **changes})
    return copy
