"""The core of a network, a GRU or a dense layer without hidden state, and its head."""

import math
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PyTree

from gpae.networks.dense import Dense
from gpae.networks.initialisers import orthogonal
from gpae.networks.parameters import parameter
from gpae.networks.recurrence import KEPT, Recurrent, Seen, hidden_states_after, kept
from gpae.networks.settings import NetworkSettings

BLOCK_ROWS = 640
"""Rows that a recurrent network computes together, at most, where a step has fewer."""

_BLOCK = "ScanCheckpoint_Block_0"
"""Under which name a recurrent network, and so a checkpoint, keeps its parameters."""


class Hidden(nn.Module):
    """A dense layer with ReLU and, where the settings ask for it, layer normalisation."""

    settings: NetworkSettings
    size: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Apply the layer."""
        return activate(Dense(self.size)(inputs), self.settings)


def activate(
    pre_activation: Float[Array, "*b H"], settings: NetworkSettings
) -> Float[Array, "*b H"]:
    """ReLU and, where asked for, layer normalisation; called inside a compact module."""
    activation = nn.relu(kept(pre_activation))
    return nn.LayerNorm()(activation) if settings.layer_norm else activation


class Head(nn.Module):
    """The last layers: an optional hidden one, and a linear output."""

    settings: NetworkSettings
    size: int
    scale: float

    @nn.compact
    def __call__(self, features: Float[Array, "*b H"]) -> Float[Array, "*b size"]:
        """Map features to outputs."""
        if self.settings.head_hidden:
            features = Hidden(self.settings, self.settings.hidden_size)(features)
        return Dense(self.size, orthogonal(self.scale))(features)


class _Kernel(nn.Module):
    """The parameters of a dense layer without its product."""

    size: int
    use_bias: bool = False

    @nn.compact
    def __call__(self) -> tuple[Array, ...]:
        kernel = parameter(self, "kernel", orthogonal(), (self.size, self.size))
        if not self.use_bias:
            return (kernel,)
        return kernel, parameter(self, "bias", nn.initializers.zeros, (self.size,))


class Gru(nn.Module):
    """``flax.linen.GRUCell`` over some steps, with its parameters; it forgets where it is told."""

    size: int

    @nn.compact
    def __call__(
        self,
        hidden_state: Float[Array, "*b H"],
        inputs: Float[Array, "B *b F"],
        resets: Bool[Array, "B *b"],
    ) -> Float[Array, "B *b H"]:
        """The hidden state after each step.

        Args:
            hidden_state: The hidden state before the first step.
            inputs: One feature vector a step.
            resets: Where a step begins an episode: hidden state from before it is dropped.
        """
        rows = inputs.reshape(len(inputs), -1, inputs.shape[-1])

        def seen(name: str) -> Array:
            return Dense(self.size, nn.initializers.lecun_normal(), name=name)(rows)

        (reset,), (update,) = _Kernel(self.size, name="hr")(), _Kernel(self.size, name="hz")()
        candidate, bias = _Kernel(self.size, use_bias=True, name="hn")()
        hidden_states = hidden_states_after(
            Recurrent(reset, update, candidate, bias),
            hidden_state.reshape(-1, self.size),
            Seen(seen("ir"), seen("iz"), seen("in")),
            resets.reshape(len(resets), -1),
        )
        return hidden_states.reshape(*inputs.shape[:-1], self.size)


class _Block(nn.Module):
    """A recurrent network over some steps: first layers, GRU, head."""

    settings: NetworkSettings
    encoder: nn.Module
    outputs: int
    scale: float

    @nn.compact
    def __call__(
        self, hidden_state: Float[Array, "*b N H"], inputs: tuple[PyTree, Bool[Array, "B *b"]]
    ) -> tuple[Array, tuple[Float[Array, "B *b N H"], Float[Array, "B *b N outputs"]]]:
        seen, resets = inputs
        features = self.encoder(seen)
        gru = Gru(self.settings.hidden_size)
        hidden_states = gru(hidden_state, features, _of_agents(resets, features))
        return hidden_states[-1], (
            hidden_states,
            Head(self.settings, self.outputs, self.scale)(hidden_states),
        )


class Core(nn.Module):
    """Inputs over time, with or without hidden state, to outputs of each agent.

    With hidden state, a few steps at a time are taken from the first layer to the last, so that
    their rows are many enough for fast products and stay in a processor's cache, which those of a
    rollout do not. The backward pass is given the hidden states, the GRU's gates and what goes into
    the other nonlinearities, and computes the rest again (``nn.remat``), which is faster than
    keeping all and than keeping nothing; the gradient is the same.

    Attributes:
        settings: The network's shape.
        encoder: The first layers, which look at one step alone: inputs to features, [B, *b, N, F].
        outputs: The number of outputs.
        scale: Scale of the last layer at the start.
    """

    settings: NetworkSettings
    encoder: nn.Module
    outputs: int
    scale: float

    @nn.compact
    def __call__(
        self,
        hidden_state: Float[Array, "*b N M"],
        inputs: PyTree,
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b N M"], Float[Array, "T *b N outputs"]]:
        """Run the network over time.

        Args:
            hidden_state: The hidden state before the first step.
            inputs: What the encoder is given: arrays with the time as their first axis.
            resets: True where a step begins an episode: hidden state from before it is dropped.

        Returns:
            The hidden state after each step, and the outputs of each step.
        """
        if self.settings.kind == "recurrent":
            return self._in_blocks(hidden_state, inputs, resets)
        features = Hidden(self.settings, self.settings.hidden_size)(self.encoder(inputs))
        nothing = jnp.zeros((*features.shape[:-1], 0), features.dtype)
        return nothing, Head(self.settings, self.outputs, self.scale)(features)

    def _in_blocks(
        self, hidden_state: Float[Array, "*b N M"], inputs: PyTree, resets: Bool[Array, "T *b"]
    ) -> tuple[Float[Array, "T *b N M"], Float[Array, "T *b N outputs"]]:
        block = nn.remat(
            _Block,
            prevent_cse=False,
            policy=jax.checkpoint_policies.save_only_these_names(KEPT),
        )
        length = block_length(len(resets), math.prod(hidden_state.shape[:-1]))
        if length == len(resets):
            return self._made(block)(hidden_state, (inputs, resets))[1]
        scan = nn.scan(
            block,
            variable_broadcast="params",
            split_rngs={"params": False},
            check_constancy_invariants=self.is_initializing(),
        )
        blocks = jax.tree.map(
            lambda leaf: leaf.reshape(-1, length, *leaf.shape[1:]), (inputs, resets)
        )
        results = self._made(scan)(hidden_state, blocks)[1]
        joined: Any = jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), results)
        return joined

    def _made(self, block: Any) -> nn.Module:
        """The one block of all steps, or what scans over several, with the same parameters."""
        return block(self.settings, self.encoder, self.outputs, self.scale, name=_BLOCK)


def initial_hidden_state(settings: NetworkSettings, *batch: int) -> Float[Array, "*b M"]:
    """The hidden state an episode begins with, all zero; of size 0 for a feed-forward network."""
    return jnp.zeros((*batch, settings.hidden_size if settings.kind == "recurrent" else 0))


def block_length(steps: int, rows: int) -> int:
    """How many steps are computed together: as many as divide their number and have few rows.

    Args:
        steps: The number of steps, 1 or more.
        rows: How many rows each has.
    """
    lengths = range(min(steps, BLOCK_ROWS // rows), 1, -1)
    return next((length for length in lengths if steps % length == 0), 1)


def _of_agents(resets: Bool[Array, "*b"], features: Float[Array, "*b N H"]) -> Bool[Array, "*b N"]:
    """What is true of an environment is true of each of its agents."""
    return jnp.broadcast_to(resets[..., None], features.shape[:-1])
