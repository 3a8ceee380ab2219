"""Attention over the agents' actions, each beside the observation of the agent that takes it."""

import flax.linen as nn
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.networks.layers import Dense

QUERY_SIZE = 32
"""Width of queries and keys."""


class UnitActionAttention(nn.Module):
    """Each agent's view of the others' actions, as a sum that attention weighs.

    Agent j's action and observation are embedded together, so that what an action means can depend
    on who takes it where. Agent i's output weighs the others' embeddings by their observations and
    its own, and adds its own slot's; its own action has no part in it.

    Attributes:
        size: Width of the outputs.
    """

    size: int

    @nn.compact
    def __call__(
        self,
        observations: Float[Array, "*b N O"],
        action_features: Float[Array, "*b N A"],
        own_features: Float[Array, "*b N A"],
    ) -> Float[Array, "*b N size"]:
        """Apply the layer.

        Args:
            observations: The agents' own observations.
            action_features: The actions taken.
            own_features: The contents of the own slots.
        """
        seen = Dense(self.size, name="observation")(nn.LayerNorm(name="norm")(observations))
        meaning = Dense(self.size, use_bias=False, name="action")
        taken = nn.relu(seen + meaning(action_features))
        own = nn.relu(seen + meaning(own_features))
        weights = self._weights(nn.relu(seen))
        values = Dense(self.size, use_bias=False, name="value")
        return jnp.einsum("...ij,...jh->...ih", weights, values(taken)) + values(own)

    def _weights(self, seen: Float[Array, "*b N H"]) -> Float[Array, "*b N N"]:
        """The weight that agent i gives agent j: those of the others add up to 1, its own is 0."""
        queries = Dense(QUERY_SIZE, use_bias=False, name="query")(seen)
        keys = Dense(QUERY_SIZE, use_bias=False, name="key")(seen)
        scores = jnp.einsum("...iq,...jq->...ij", queries, keys) / QUERY_SIZE**0.5
        own = jnp.eye(seen.shape[-2], dtype=bool)
        return jnp.where(own, 0.0, nn.softmax(jnp.where(own, -1e9, scores)))
