"""Description of a run's policy: all that acting with it needs beside the parameters."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import jax
import jax.numpy as jnp

from gpae.config.imports import import_modules
from gpae.config.schema import Config
from gpae.environments.environment import (
    ActionSpace,
    ContinuousActions,
    DiscreteActions,
    EnvironmentSpec,
)
from gpae.errors import UserError
from gpae.networks import (
    CORES,
    ENCODERS,
    Actor,
    GreedyActor,
    ImageShape,
    NetworkSettings,
    PolicyNetwork,
    QNetwork,
    initial_hidden_state,
)
from gpae.runs.files import disk_errors, write_atomically

FORMAT = 1
"""Version of the JSON form; files of another one are refused."""

_KINDS = {"policy_gradient": "actor", "q_learning": "q_network"}


@dataclass(frozen=True)
class PolicySpec:
    """A team's policy without its parameters.

    Attributes:
        task: Name of the task it was learnt on.
        method: Name of the method that learnt it.
        kind: Its network: ``actor``, or ``q_network``, which acts greedily alone.
        num_agents: Number N of agents.
        observation_size: Length O of one agent's observation.
        actions: The action space.
        network: The network's shape.
        imports: Modules that register cores or encoders which are not the library's own.
        observation_shape: The shape of an observation that is an image, None of a vector.
    """

    task: str
    method: str
    kind: str
    num_agents: int
    observation_size: int
    actions: ActionSpace
    network: NetworkSettings
    imports: tuple[str, ...] = ()
    observation_shape: ImageShape = None

    @classmethod
    def of(cls, config: Config, environment: EnvironmentSpec) -> Self:
        """The policy that a configuration trains on an environment of such sizes."""
        return cls(
            task=config.task_name,
            method=config.method.name,
            kind=_KINDS[config.method.family],
            num_agents=environment.num_agents,
            observation_size=environment.observation_size,
            actions=environment.actions,
            network=NetworkSettings(**vars(config.network)),
            imports=tuple(config.imports),
            observation_shape=environment.observation_shape,
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`write` has written; entries that it does not know are left alone.

        Raises:
            UserError: The file cannot be read, is damaged, or is of another version's form.
        """
        with disk_errors(f"read {path}"):
            contents = path.read_bytes()
        try:
            return cls._of_json(json.loads(contents))
        except (ValueError, TypeError, KeyError, AttributeError, UserError) as error:
            raise UserError(f"{path} is damaged: it describes no policy") from error

    @classmethod
    def _of_json(cls, values: Mapping[str, Any]) -> Self:
        if values["format"] != FORMAT:
            raise ValueError(f"format {values['format']!r}")
        return cls(
            task=str(values["task"]),
            method=str(values["method"]),
            kind={kind: kind for kind in _KINDS.values()}[values["kind"]],
            num_agents=int(values["num_agents"]),
            observation_size=int(values["observation_size"]),
            actions=_action_space(**values["actions"]),
            network=NetworkSettings(**values["network"]),
            imports=tuple(values["imports"]),
            observation_shape=_shape(values.get("observation_shape")),
        )

    def as_json(self) -> dict[str, Any]:
        """The description as plain values; an infinite bound of actions is None."""
        actions = {
            name: value if math.isfinite(value) else None
            for name, value in asdict(self.actions).items()
        }
        kind = "discrete" if isinstance(self.actions, DiscreteActions) else "continuous"
        return {
            "format": FORMAT,
            "task": self.task,
            "method": self.method,
            "kind": self.kind,
            "num_agents": self.num_agents,
            "observation_size": self.observation_size,
            "actions": {"kind": kind, **actions},
            "network": asdict(self.network),
            "imports": list(self.imports),
            **({"observation_shape": list(shape)} if (shape := self.observation_shape) else {}),
        }

    def write(self, path: Path) -> None:
        """Write or replace a file in JSON.

        Raises:
            UserError: The disk refused.
        """
        with disk_errors(f"write to {path.parent}"):
            write_atomically(path, (json.dumps(self.as_json(), indent=2) + "\n").encode())

    @property
    def is_greedy(self) -> bool:
        """True for a Q-network, which has no distribution to sample from."""
        return self.kind == "q_network"

    def policy_network(self) -> PolicyNetwork:
        """The network that acts, after importing what registers its core and encoder.

        Raises:
            UserError: No module registers them.
        """
        if self.network.core not in CORES or self.network.encoder not in ENCODERS:
            import_modules(self.imports)
        network = self.network.on(self.observation_shape, None)
        if self.is_greedy:
            return GreedyActor(QNetwork(network, self.actions.size))
        return Actor(network, self.actions)

    def params_shapes(self, network: PolicyNetwork) -> Any:
        """Shapes and types of the parameters; nothing is computed.

        Args:
            network: The network, of :meth:`policy_network`.
        """
        agents = (1, 1, self.num_agents)
        observations = jnp.zeros((*agents, self.observation_size))
        available = () if self.is_greedy else (jnp.ones((*agents, self.actions.size), bool),)
        module: Any = network.network if isinstance(network, GreedyActor) else network
        return jax.eval_shape(
            module.init,
            jax.random.key(0),
            initial_hidden_state(self.network, 1, self.num_agents),
            observations,
            *available,
            jnp.ones((1, 1), bool),
        )


def _shape(values: list[int] | None) -> ImageShape:
    return None if values is None else tuple(map(int, values))


def _action_space(kind: str, size: int, **bounds: float | None) -> ActionSpace:
    if kind == "discrete":
        return DiscreteActions(size)
    low, high = bounds["low"], bounds["high"]
    return ContinuousActions(
        size, -math.inf if low is None else low, math.inf if high is None else high
    )
