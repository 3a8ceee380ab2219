"""Scenes: an episode as its environment shows it, in units in the plane or in pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

import jax
import numpy as np
from jaxtyping import UInt8

from gpae.environments import (
    Environment,
    EnvironmentState,
    ForcedStop,
    HasPicture,
    HasUnits,
    Units,
)
from gpae.errors import UserError


@dataclass(frozen=True)
class Pictures:
    """The pictures of an episode's T + 1 moments, each drawn when it is asked for.

    Attributes:
        environment: The environment that draws.
        states: Its states at these moments, NumPy arrays [T + 1, ...].
    """

    environment: HasPicture
    states: EnvironmentState

    def __len__(self) -> int:
        """The number of moments."""
        return len(jax.tree.leaves(self.states)[0])

    def __getitem__(self, moment: int) -> UInt8[np.ndarray, "H W 3"]:
        """The picture of one moment, counted from 0.

        Raises:
            UserError: The environment drew something else than a picture.
        """
        if not 0 <= moment < len(self):
            raise IndexError(moment)
        state = jax.tree.map(lambda leaf: leaf[moment], self.states)
        picture = np.asarray(self.environment.render(state))
        if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
            raise UserError(
                f"render(state) must give a picture [H, W, 3] of uint8, not {picture.dtype}"
                f"{list(picture.shape)}"
            )
        return picture

    def __iter__(self) -> Iterator[UInt8[np.ndarray, "H W 3"]]:
        return (self[moment] for moment in range(len(self)))


Scene: TypeAlias = Units | Pictures
"""Units in the plane, with their arrays; or pictures, where an environment draws itself."""


def scene_of(environment: Environment, states: EnvironmentState) -> Scene:
    """The scene of an episode.

    Args:
        environment: The environment; this library's own wrappers are looked into.
        states: Its states at T + 1 moments, NumPy arrays [T + 1, ...], such as
            :attr:`Episode.states`.

    Raises:
        UserError: The environment shows nothing.
    """
    require_scene(environment)
    while isinstance(environment, ForcedStop):
        environment, states = environment.environment, states.inner
    if isinstance(environment, HasUnits):
        return environment.units(states)
    assert isinstance(environment, HasPicture)
    return Pictures(environment, states)


def require_scene(environment: Environment) -> None:
    """Refuse an environment that shows nothing.

    Raises:
        UserError: It shows nothing.
    """
    name = environment.spec.name
    while isinstance(environment, ForcedStop):
        environment = environment.environment
    if not isinstance(environment, HasUnits | HasPicture):
        raise UserError(
            f"{name} has no picture: give its environment a method render(state) that returns an "
            "RGB picture, a uint8 array [H, W, 3]"
        )
