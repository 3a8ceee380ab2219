"""The part of a network that may remember, a GRU or a dense layer without memory, and its head."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.ad_checkpoint import checkpoint_name
from jaxtyping import Array, Bool, Float

from gpae.networks.dense import dense
from gpae.networks.initialisers import orthogonal
from gpae.networks.settings import NetworkSettings

PRE_ACTIVATION = "pre_activation"
"""The name of what the backward pass of a step over time is given instead of computing it again."""


class Hidden(nn.Module):
    """A dense layer with ReLU and, where the settings ask for it, layer normalisation."""

    settings: NetworkSettings
    size: int

    @nn.compact
    def __call__(self, inputs: Float[Array, "*b F"]) -> Float[Array, "*b size"]:
        """Apply the layer."""
        return activate(dense(self.size)(inputs), self.settings)


def activate(
    pre_activation: Float[Array, "*b H"], settings: NetworkSettings
) -> Float[Array, "*b H"]:
    """ReLU and, where asked for, layer normalisation; called inside a compact module."""
    activation = nn.relu(_kept(pre_activation))
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
        return dense(self.size, orthogonal(self.scale))(features)


class Gru(nn.Module):
    """One step of ``flax.linen.GRUCell``, with its parameters.

    Flax's own can neither be given :func:`~gpae.networks.dense.dense` nor tell its pre-activations
    apart from what may be computed again.
    """

    size: int

    @nn.compact
    def __call__(
        self, memory: Float[Array, "*b H"], inputs: Float[Array, "*b F"]
    ) -> Float[Array, "*b H"]:
        """The memory after the step."""

        def seen(name: str) -> Array:
            return dense(self.size, nn.initializers.lecun_normal(), name=name)(inputs)

        def remembered(name: str, use_bias: bool = False) -> Array:
            return dense(self.size, orthogonal(), use_bias=use_bias, name=name)(memory)

        reset = nn.sigmoid(_kept(seen("ir") + remembered("hr")))
        update = nn.sigmoid(_kept(seen("iz") + remembered("hz")))
        recurrent = _kept(remembered("hn", use_bias=True))
        candidate = nn.tanh(_kept(seen("in")) + reset * recurrent)
        return (1.0 - update) * candidate + update * memory


class _Step(nn.Module):
    """One step of a GRU that forgets where an episode begins, and of its head."""

    settings: NetworkSettings
    outputs: int
    scale: float

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "*b H"],
        inputs: tuple[Float[Array, "*b F"], Bool[Array, "*b"]],
    ) -> tuple[Float[Array, "*b H"], tuple[Float[Array, "*b H"], Float[Array, "*b outputs"]]]:
        features, resets = inputs
        memory = jnp.where(resets[..., None], 0.0, memory)
        memory = Gru(self.settings.hidden_size)(memory, features)
        return memory, (memory, Head(self.settings, self.outputs, self.scale)(memory))


class Core(nn.Module):
    """Features over time, with or without memory, to outputs.

    With memory, everything from the GRU to the output is computed step by step: one step's rows
    stay in a processor's cache, which those of a rollout do not. The backward pass is given what
    goes into the nonlinearities and computes the rest again (``nn.remat``), which is faster than
    keeping all and than keeping nothing; the gradient is the same.
    """

    settings: NetworkSettings
    outputs: int
    scale: float

    @nn.compact
    def __call__(
        self,
        memory: Float[Array, "*b M"],
        inputs: Float[Array, "T *b F"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[Float[Array, "T *b M"], Float[Array, "T *b outputs"]]:
        """Run the core over time.

        Args:
            memory: The memory before the first step.
            inputs: One feature vector a step.
            resets: True where a step begins an episode: memory from before it is dropped.

        Returns:
            The memory after each step, and the outputs of each step.
        """
        settings, outputs, scale = self.settings, self.outputs, self.scale
        if settings.kind == "feedforward":
            features = Hidden(settings, settings.hidden_size)(inputs)
            nothing = jnp.zeros((*features.shape[:-1], 0), features.dtype)
            return nothing, Head(settings, outputs, scale)(features)
        step = nn.remat(
            _Step,
            prevent_cse=False,
            policy=jax.checkpoint_policies.save_only_these_names(PRE_ACTIVATION),
        )
        scan = nn.scan(step, variable_broadcast="params", split_rngs={"params": False})
        rows = (inputs.reshape(len(inputs), -1, inputs.shape[-1]), resets.reshape(len(resets), -1))
        run = scan(settings, outputs, scale)
        _, results = run(memory.reshape(-1, memory.shape[-1]), rows)
        return jax.tree.map(lambda leaf: leaf.reshape(*inputs.shape[:-1], leaf.shape[-1]), results)


def initial_memory(settings: NetworkSettings, *batch: int) -> Float[Array, "*b M"]:
    """The memory an episode begins with, all zero; of size 0 for a feed-forward network."""
    return jnp.zeros((*batch, settings.hidden_size if settings.kind == "recurrent" else 0))


def _kept(pre_activation: Float[Array, "*b H"]) -> Float[Array, "*b H"]:
    named: Float[Array, "*b H"] = checkpoint_name(pre_activation, PRE_ACTIVATION)
    return named
