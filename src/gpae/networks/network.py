"""A network over time: encoder, core and head."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from gpae.networks.cores import CORES
from gpae.networks.layers import Head
from gpae.networks.settings import NetworkSettings


class Network(nn.Module):
    """An encoder of each step, a core over time, and a head.

    Attributes:
        settings: The network's shape.
        encoder: The first layers, which look at one step alone: inputs to features, [T, *b, F].
        outputs: The number of outputs.
        scale: Scale of the last layer at the start.
    """

    settings: NetworkSettings
    encoder: nn.Module
    outputs: int
    scale: float

    @nn.compact
    def __call__(
        self, hidden_state: PyTree, inputs: PyTree, resets: Bool[Array, "T *e"]
    ) -> tuple[PyTree, Float[Array, "T *b outputs"]]:
        """Run the network over time.

        Args:
            hidden_state: The hidden state before the first step, [*b, ...].
            inputs: The encoder's inputs: arrays with time as their first axis.
            resets: True where a step begins an episode, of each environment.

        Returns:
            The hidden states after each step, and the outputs of each step.
        """
        features = self.encoder(inputs)
        core = CORES[self.settings.core](self.settings, name="core")
        hidden_states, features = core(hidden_state, features, _of_rows(resets, features))
        head = Head(self.settings, self.outputs, self.scale, name="head")
        return hidden_states, head(features)


def network_per_agent(axis: int, num_agents: int, inputs_axes: PyTree) -> type[Network]:
    """:class:`Network` with parameters of its own for every agent.

    Args:
        axis: The axis of the agents in the outputs, [T, *b, N, ...]; the hidden state, without T,
            has it one place before.
        num_agents: The number of agents.
        inputs_axes: The axes of the agents in the inputs; None where all are given the same.
    """
    return nn.vmap(
        Network,
        variable_axes={"params": 0},
        split_rngs={"params": True},
        in_axes=(axis - 1, inputs_axes, None),
        out_axes=axis,
        axis_size=num_agents,
    )


def _of_rows(resets: Bool[Array, "T *e"], features: Float[Array, "T *b F"]) -> Bool[Array, "T *b"]:
    """The resets of the environments for each of the rows, such as agents, they have."""
    rows = features.shape[:-1]
    return jnp.broadcast_to(resets.reshape(resets.shape + (1,) * (len(rows) - resets.ndim)), rows)
