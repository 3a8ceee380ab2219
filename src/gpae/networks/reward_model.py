"""A model of the team reward, given the state and the agents' actions."""

from dataclasses import replace
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.environments.environment import ActionSpace
from gpae.networks.cores import initial_hidden_state
from gpae.networks.critic import Critic, CriticInputs, CriticSpec
from gpae.networks.settings import NetworkSettings


class RewardEnsemble(nn.Module):
    """Several reward models that differ in their first parameters alone; none remembers.

    Attributes:
        settings: The shape of the networks, as the critic's but feed-forward.
        spec: What each model looks at, and whether it gives a reward for each own action.
        size: How many there are.
    """

    settings: NetworkSettings
    spec: CriticSpec
    size: int

    @nn.compact
    def __call__(
        self, inputs: CriticInputs
    ) -> Float[Array, "size T *b N"] | Float[Array, "size T *b N A"]:
        """Each model's reward at every step."""
        members = nn.vmap(
            Critic,
            in_axes=None,
            axis_size=self.size,
            variable_axes={"params": 0},
            split_rngs={"params": True},
        )
        settings = replace(self.settings, core="feedforward")
        _, *batch, agents, _ = inputs.action_features.shape
        hidden_state = initial_hidden_state(settings, *batch, agents)
        resets = jnp.zeros(inputs.state.shape[:-1], bool)
        _, rewards = members(settings, self.spec)(hidden_state, inputs, resets)
        return rewards


def make_reward_models(
    settings: NetworkSettings, actions: ActionSpace, size: int
) -> RewardEnsemble:
    """Models r(s, a^-i)[a^i] of a reward for each own action, or r(s, a) where it is not numbered.

    Args:
        settings: The shape of the networks, as the critic's but feed-forward.
        actions: The action space.
        size: How many models there are to be.
    """
    return RewardEnsemble(settings, CriticSpec.of_joint_action(actions), size)


def apply_reward_models(
    ensemble: RewardEnsemble, params: Any, inputs: CriticInputs
) -> Float[Array, "size T *b N"] | Float[Array, "size T *b N A"]:
    """:class:`RewardEnsemble` with the given parameters, as a typed function.

    JAX refuses NumPy's own arrays where a function with a gradient of its own is vectorised.
    """
    rewards: Any = ensemble.apply(jax.tree.map(jnp.asarray, params), inputs)
    return rewards
