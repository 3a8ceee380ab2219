"""MABrax: Brax's bodies with their joints partitioned among the agents of a team.

Brax's own reset and step are used without its wrappers, which replace an episode's last observation
by a new episode's first, and do not distinguish termination from truncation. Importing this module
does not import Brax, which takes seconds; making an environment does.
"""

import contextlib
import io
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import struct
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray, UInt8

from gpae.environments.body_picture import Camera, Shape, body_picture, body_shapes
from gpae.environments.environment import (
    ContinuousActions,
    EnvironmentSpec,
    Observation,
    Step,
)
from gpae.environments.mabrax_tables import TEAMS, TeamTable
from gpae.errors import UserError

_BACKENDS = ("positional", "spring", "generalized", "mjx")


@dataclass(frozen=True)
class MabraxSettings:
    """Settings of a MABrax task.

    Attributes:
        backend: Brax's physics backend: ``positional`` (the paper's), ``spring``, ``generalized``
            or ``mjx``. Returns on different backends are not comparable.
        max_episode_steps: The time limit in environment steps.

    Raises:
        UserError: If a value is of the wrong type or outside its range.
    """

    backend: str = "positional"
    max_episode_steps: int = 1000

    def __post_init__(self) -> None:
        if self.backend not in _BACKENDS:
            raise UserError(f"backend must be one of {', '.join(_BACKENDS)}, not {self.backend!r}")
        if type(self.max_episode_steps) is not int or self.max_episode_steps < 1:
            raise UserError(
                f"max_episode_steps must be a whole number from 1 up, not "
                f"{self.max_episode_steps!r}"
            )


@struct.dataclass
class MabraxState:
    """State of an episode.

    Attributes:
        body: Brax's state, without its metrics.
        time: Number of steps so far, [].
    """

    body: Any
    time: Int[Array, "*b"]


class Mabrax:
    """One body driven by a team, behind the :class:`Environment` protocol.

    The team reward is the body's reward. An episode terminates when Brax reports the body as
    unhealthy (after a fall, for example; the half-cheetah never is), and is truncated at the time
    limit otherwise. An agent's observation holds the elements that its table lists, padded with
    zeros to the largest agent's; the global state is the body's whole observation. Actions are
    clipped to [-1, 1]; an agent's action dimensions without a joint are masked and have no
    effect.
    """

    def __init__(self, name: str, table: TeamTable, settings: MabraxSettings | None = None) -> None:
        """Load the body.

        Args:
            name: The task's name, such as ``mabrax/ant-4x2``.
            table: The partition of the body among the agents.
            settings: Physics backend and time limit.

        Raises:
            UserError: If Brax has no such body, or its sizes differ from the table's.
        """
        settings = settings or MabraxSettings()
        self._time_limit = settings.max_episode_steps
        self._body = make_body(table.body, settings.backend)
        _check_sizes(table, self._body)
        self._observed, self._shown = _padded([agent.observed for agent in table.agents])
        driven, self._available = _padded([agent.driven for agent in table.agents])
        self._driver = _positions(driven, self._available)
        self._spec = EnvironmentSpec(
            name=name,
            num_agents=table.num_agents,
            observation_size=self._observed.shape[1],
            state_size=table.observation_size,
            actions=ContinuousActions(driven.shape[1], low=-1.0, high=1.0),
            max_episode_steps=self._time_limit,
            early_truncation=False,
        )

    @property
    def spec(self) -> EnvironmentSpec:
        """The sizes of observations, state and actions."""
        return self._spec

    def reset(self, key: PRNGKeyArray) -> tuple[MabraxState, Observation]:
        """Begin an episode, with the body near its initial pose."""
        body = _settled(self._body.reset(key))
        return MabraxState(body=body, time=jnp.array(0, jnp.int32)), self._observation(body.obs)

    def step(
        self, key: PRNGKeyArray, state: MabraxState, actions: Float[Array, "N A"]
    ) -> tuple[MabraxState, Step]:
        """Make one transition, without resetting; it is deterministic, so the key is not used."""
        del key
        # Brax writes its metrics into the dictionary of the state that it receives.
        before = state.body.replace(metrics={})
        body = _settled(self._body.step(before, self._body_action(actions)))
        time = state.time + 1
        terminated = body.done.astype(bool)
        observation = self._observation(body.obs)
        return MabraxState(body=body, time=time), Step(
            observation=observation,
            actions=actions,
            reward=body.reward,
            terminated=terminated,
            truncated=~terminated & (time >= self._time_limit),
            outcomes={},
            forced=jnp.zeros_like(observation.alive),
        )

    def render(self, state: MabraxState) -> UInt8[np.ndarray, "H W 3"]:
        """The picture of the body at one moment; a link has the colour of the agent that drives it.

        The camera follows the torso, from the side where the body moves in a plane.
        """
        links = state.body.pipeline_state.x
        planar, height = self._body.sys.link_types[0] != "f", self._standing_height
        camera = Camera(
            target=np.array([*np.asarray(links.pos)[0, :2], 0.6 * height]),
            azimuth=0.0 if planar else 0.35,
            elevation=0.14 if planar else 0.4,
            height=height + 1.3,
        )
        return body_picture(self._shapes, np.asarray(links.pos), np.asarray(links.rot), camera)

    @cached_property
    def _shapes(self) -> tuple[Shape, ...]:
        return body_shapes(self._body.sys.mj_model, self._driver[0].tolist())

    @property
    def _standing_height(self) -> float:
        """Height of the torso above the ground as the body stands, in metres."""
        return float(self._body.sys.mj_model.body_pos[1, 2])

    def _body_action(self, actions: Float[Array, "N A"]) -> Float[Array, " body"]:
        return jnp.clip(actions[self._driver], -1.0, 1.0)

    def _observation(self, observation: Float[Array, " S"]) -> Observation:
        return Observation(
            observations=jnp.where(self._shown, observation[self._observed], 0.0),
            state=observation,
            available_actions=jnp.asarray(self._available),
            alive=jnp.ones(self._spec.num_agents, bool),
        )


def make_mabrax(team: str, settings: MabraxSettings) -> Mabrax:
    """Make one of :data:`TEAMS`."""
    return Mabrax(f"mabrax/{team}", TEAMS[team], settings)


def make_body(name: str, backend: str) -> Any:
    """Make Brax's environment of a body, without wrappers and without output.

    Raises:
        UserError: If Brax has no body of that name.
    """
    with _quiet():
        import mujoco
        from brax import envs

        before = mujoco.get_mju_user_warning()
        mujoco.set_mju_user_warning(lambda message: None)
        try:
            return envs.get_environment(name, backend=backend)
        except KeyError as error:
            raise UserError(f"Brax has no body {name!r}") from error
        finally:
            mujoco.set_mju_user_warning(before)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hide Brax's output and its warning that it is no longer maintained."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def _check_sizes(table: TeamTable, body: Any) -> None:
    shape = jax.eval_shape(body.reset, jax.random.key(0)).obs.shape
    for quantity, expected, found in (
        ("observation", table.observation_size, shape[0]),
        ("action", table.action_size, body.action_size),
    ):
        if expected != found:
            raise UserError(
                f"the installed Brax gives {table.body} an {quantity} of size {found}, "
                f"but its table was made for {expected}"
            )


def _padded(
    rows: list[tuple[int, ...]],
) -> tuple[Int[np.ndarray, "N L"], Bool[np.ndarray, "N L"]]:
    """Rows padded with zeros to one length, and the mask of their elements before padding."""
    lengths = np.array([len(row) for row in rows])
    genuine = np.arange(lengths.max()) < lengths[:, None]
    table = np.zeros(genuine.shape, np.int32)
    table[genuine] = np.concatenate(rows)
    return table, genuine


def _positions(
    driven: Int[np.ndarray, "N A"], available: Bool[np.ndarray, "N A"]
) -> tuple[Int[np.ndarray, " body"], Int[np.ndarray, " body"]]:
    """Agent and agent's action dimension that drive each of the body's action dimensions."""
    order = np.argsort(driven[available])
    agents, dimensions = np.nonzero(available)
    return agents[order], dimensions[order]


def _settled(body: Any) -> Any:
    """Brax's state without metrics, with the same types after a reset as after a step."""
    return body.replace(metrics={}, done=body.done.astype(jnp.float32))
