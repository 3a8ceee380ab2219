"""The origin of the first number that was not finite, looked for once a run has diverged."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from gpae.environments import ActionSpace, DiscreteActions, EnvironmentSpec

_OF_TRAINING = "try a smaller update.learning_rate or update.max_gradient_norm"
_OF_ENVIRONMENT = (
    "mend the environment: gpae.environments.check_environment plays it and names the step"
)
_EXPERIENCE = ("window", "buffer", "collector")
"""Fields of learners' states that hold what the environment gave."""

_STAGES = {
    "estimate/": "the estimates",
    "trace/": "the estimates",
    "loss/": "the losses",
    "q/": "the losses",
    "update/": "the gradients",
    "parameters": "the parameters",
}
"""Stages of an update in their order, by the beginnings of their metrics' names."""

_EPISODES = ("train/", "evaluation/")
"""Beginnings of the names of means over episodes, which nothing is learnt from."""


@dataclass(frozen=True)
class Cause:
    """The origin of numbers that are not finite.

    Attributes:
        origin: Where the first of them came from, in words.
        remedy: Advice to the user.
    """

    origin: str
    remedy: str


def find_cause(
    names: Sequence[str], spec: EnvironmentSpec, params: Any, state: Any = None
) -> Cause:
    """The cause of metrics that are not finite.

    What the environment gave is looked for in the experience that the state still holds; a fault
    that has left it is told by the metrics alone.

    Args:
        names: The metrics' names.
        spec: The environment's spec.
        params: The networks' parameters after the update.
        state: The learner's state then, None where it is not at hand.
    """
    given = _given_by_environment(spec, state)
    if given is not None:
        return Cause(f"first in {given} that the environment gave", _OF_ENVIRONMENT)
    of_episodes = [name for name in names if name.startswith(_EPISODES)]
    if of_episodes and (len(of_episodes) == len(names) or _are_always_finite(spec.actions)):
        return _cause_in_episodes(of_episodes, spec, params)
    stages = (
        stage
        for beginning, stage in _STAGES.items()
        if any(name.startswith(beginning) for name in names)
    )
    return Cause(f"first in {next(stages, names[0])}{_from(state)}", _OF_TRAINING)


def _from(state: Any) -> str:
    return "" if state is None else ", the observations and rewards kept being finite"


def _cause_in_episodes(names: Sequence[str], spec: EnvironmentSpec, params: Any) -> Cause:
    """The cause of means over episodes that are not finite, whether or not it led to more."""
    if not (_is_finite(params) or _are_always_finite(spec.actions)):
        return Cause("first in the parameters", _OF_TRAINING)
    shown = [name.rpartition("/")[2] for name in names]
    metric = next((name for name in shown if name in spec.metrics), None)
    origin = "the reward" if metric is None else f"the metric {metric!r}"
    return Cause(f"first in {origin} that the environment gave", _OF_ENVIRONMENT)


def _are_always_finite(actions: ActionSpace) -> bool:
    """Soundness of the actions that an environment is given, whatever the policy has become."""
    return isinstance(actions, DiscreteActions)


def _given_by_environment(spec: EnvironmentSpec, state: Any) -> str | None:
    """A field, in words, that an environment gave for finite actions and that is not finite."""
    parts = [part for part in map(vars(state).get, _EXPERIENCE) if part] if state else []
    nodes = [node for part in parts for node in _with_fields(part)]
    if not all(_is_finite(getattr(node, "actions", ())) for node in nodes):
        return None
    found = (_first_in(node, spec) for node in nodes)
    return next((field for field in found if field is not None), None)


def _with_fields(node: Any) -> Iterator[Any]:
    """The structures inside a structure that hold an observation."""
    inner = getattr(node, "__dict__", {})
    if "observation" in inner:
        yield node
    for value in inner.values():
        yield from _with_fields(value)


def _first_in(node: Any, spec: EnvironmentSpec) -> str | None:
    observation = node.observation
    broken = ~np.isfinite(np.asarray(observation.observations)).all(-1)
    if broken.any():
        agent = int(np.argwhere(broken)[0][-1])
        here = broken[..., agent]
        dead = not np.asarray(observation.alive)[..., agent][here].any()
        return f"the observation of agent {agent}{', dead then,' if dead else ''}"
    if not _is_finite(observation.state):
        return "the global state"
    rewards = np.asarray(getattr(node, "rewards", 0.0))
    if not _is_finite(rewards):
        broken = ~np.isfinite(rewards)
        of_agent = f" of agent {np.argwhere(broken)[0][-1]}" if spec.agent_rewards else ""
        return f"the reward{of_agent}"
    return None


def _is_finite(tree: Any) -> bool:
    return all(
        np.isfinite(np.asarray(leaf)).all()
        for leaf in jax.tree.leaves(tree)
        if not jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    )
