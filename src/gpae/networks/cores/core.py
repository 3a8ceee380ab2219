"""The interface of a core, and the registry of all cores."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from gpae.networks.registries import CORES
from gpae.networks.settings import NetworkSettings


class Core(nn.Module):
    """A layer over time that may have a hidden state, any tree of arrays [*b, ...].

    Attributes:
        settings: The network's shape.
    """

    settings: NetworkSettings

    @classmethod
    def initial_hidden_state(cls, settings: NetworkSettings, *batch: int) -> PyTree:
        """The hidden state an episode begins with: zeros [*batch, ...]; an empty tuple for none."""
        del settings, batch
        return ()

    def __call__(
        self,
        hidden_state: PyTree,
        features: Float[Array, "T *b F"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Float[Array, "T *b H"]]:
        """Run the core over time.

        Args:
            hidden_state: The hidden state before the first step, [*b, ...].
            features: The encoder's features, one vector a step.
            resets: True where a step begins an episode: the hidden state from before it is dropped.

        Returns:
            The hidden states after each step, [T, *b, ...], and the features for the head.
        """
        raise NotImplementedError


register_core = CORES.register
"""Decorator that makes a subclass of :class:`Core` available as ``network.core=NAME``."""


def forget(hidden_state: PyTree, resets: Bool[Array, "*b"]) -> PyTree:
    """The hidden state with zeros where a step begins an episode."""

    def forgotten(leaf: Any) -> Array:
        at_rows = resets.reshape(resets.shape + (1,) * (leaf.ndim - resets.ndim))
        return jnp.where(at_rows, jnp.zeros_like(leaf), leaf)

    return jax.tree.map(forgotten, hidden_state)
