"""Values of an agent's own actions, the other agents' actions as taken."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gpae.environments.environment import Actions
from gpae.methods import OwnActions
from gpae.networks import CategoricalPolicy, Policy, sample


def all_actions(
    values: Float[Array, "T E N A"], policy: CategoricalPolicy, actions: Actions
) -> OwnActions:
    """Discrete actions: a network's outputs are the values of them all."""
    return OwnActions(values=values, probabilities=policy.probabilities, taken=actions)


def sampled_actions(
    taken: Float[Array, "T E N"],
    value: Callable[[Float[Array, "T E N A"]], Float[Array, "T E N"]],
    policy: Policy,
    keys: PRNGKeyArray,
    count: int,
) -> OwnActions:
    """Continuous actions: the one taken, and samples of the current policy.

    The samples depend on the keys alone: every network of a batch is evaluated at the same ones.

    Args:
        taken: The values of the actions taken.
        value: The values as a function of the own actions' features.
        policy: The current policies.
        keys: One key an environment, [E].
        count: Number of samples.
    """

    def of_sample(index: Int[Array, ""]) -> Float[Array, "T E N"]:
        each = jax.vmap(jax.random.fold_in, in_axes=(0, None))(keys, index)
        return value(policy.features(sample(each, policy, axis=1)))

    sampled = jnp.moveaxis(jax.lax.map(of_sample, jnp.arange(count)), 0, -1)
    return with_taken(taken, sampled)


def with_taken(taken: Float[Array, "T E N"], sampled: Float[Array, "T E N K"]) -> OwnActions:
    """The action taken first, with probability 0, before equally likely samples."""
    values = jnp.concatenate([taken[..., None], sampled], axis=-1)
    probabilities = jnp.full_like(values, 1.0 / sampled.shape[-1]).at[..., 0].set(0.0)
    return OwnActions(
        values=values, probabilities=probabilities, taken=jnp.zeros(taken.shape, jnp.int32)
    )
