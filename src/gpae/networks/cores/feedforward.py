"""A dense layer, without a hidden state."""

import flax.linen as nn
from jaxtyping import Array, Bool, Float, PyTree

from gpae.networks.cores.core import Core, register_core
from gpae.networks.layers import Hidden


@register_core("feedforward")
class FeedForward(Core):
    """A dense layer with activation; its hidden state is an empty tuple."""

    @nn.compact
    def __call__(
        self,
        hidden_state: PyTree,
        features: Float[Array, "T *b F"],
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Float[Array, "T *b H"]]:
        """Apply the layer to every step."""
        del resets
        return hidden_state, Hidden(self.settings, self.settings.hidden_size)(features)
