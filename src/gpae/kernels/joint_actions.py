"""A dense layer over the joint action as each agent's critic sees it."""

from itertools import accumulate

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.kernels.kernel import kernel


def joint_action_rows(
    action_features: Float[Array, "*b N A"], own_features: Float[Array, "*b N A"]
) -> Float[Array, "*b N NA"]:
    """The joint action as each agent's critic sees it: the others' parts, and the own slot.

    Args:
        action_features: Each agent's action taken.
        own_features: The replacement of agent i's own action in row i.

    Returns:
        One row an agent, agent j's part in columns j A .. (j + 1) A - 1.
    """
    num_agents = action_features.shape[-2]
    own_slot = jnp.eye(num_agents, dtype=bool)[..., None]
    rows = jnp.where(own_slot, own_features[..., :, None, :], action_features[..., None, :, :])
    return rows.reshape(*rows.shape[:-2], -1)


@kernel
def apply_to_joint_actions(
    action_features: Float[Array, "*b N A"],
    own_features: Float[Array, "*b N A"],
    weights: Float[Array, "NA H"],
) -> Float[Array, "*b N H"]:
    """``joint_action_rows(action_features, own_features) @ weights``.

    Args:
        action_features: Each agent's action taken, floats.
        own_features: The replacement of agent i's own action in row i, floats.
        weights: The layer's weights, agent j's part in rows j A .. (j + 1) A - 1.

    Returns:
        Agent i's output in row i.
    """
    return joint_action_rows(action_features, own_features) @ weights


@apply_to_joint_actions.fast("cpu", "gpu", "tpu")
@jax.custom_vjp
def _apply_to_joint_actions(action_features: Array, own_features: Array, weights: Array) -> Array:
    """The layer slot by slot, once an environment, without the rows.

    The rows of two agents differ in two slots only. Agent i's output adds up the others' slots, its
    own action never among them: that cannot change it by so much as a rounding error. The gradient
    adds up all agents' rows, and takes the own off again, which is faster; by an agent's own action
    it is therefore 0 only to float precision. It is an algebraic saving, no upstream workaround.
    """
    slots = list(enumerate(jnp.split(weights, action_features.shape[-2])))
    taken = [action_features[..., agent, :] @ slot for agent, slot in slots]
    own = [own_features[..., agent, :] @ slot for agent, slot in slots]
    others = sums_of_others(taken)
    return jnp.stack([sum_ + part for sum_, part in zip(others, own, strict=True)], axis=-2)


def _forward(taken: Array, own: Array, weights: Array) -> tuple[Array, tuple[Array, Array, Array]]:
    return _apply_to_joint_actions(taken, own, weights), (taken, own, weights)


def _backward(given: tuple[Array, Array, Array], gradient: Array) -> tuple[Array, Array, Array]:
    """The gradients: others' rows are all rows but the own, whose part is taken off again."""
    taken, own, weights = given
    shape = (-1, *taken.shape[-2:])
    taken, own, gradient = (
        each.reshape(*shape[:2], each.shape[-1]) for each in (taken, own, gradient)
    )
    slots, total = weights.reshape(*shape[1:], -1), gradient.sum(1)
    by_slots = jnp.einsum("rna,rh->nah", taken, total) + jnp.einsum(
        "rna,rnh->nah", own - taken, gradient
    )
    by_own = jnp.einsum("rnh,nah->rna", gradient, slots)
    by_taken = jnp.einsum("rh,nah->rna", total, slots) - by_own
    batch = given[0].shape
    return by_taken.reshape(batch), by_own.reshape(batch), by_slots.reshape(weights.shape)


_apply_to_joint_actions.defvjp(_forward, _backward)


def sums_of_others(parts: list[Array]) -> list[Array]:
    """For each part the sum of all the others, made without it."""
    nothing = jnp.zeros_like(parts[0])
    before = accumulate(parts[:-1], initial=nothing)
    after = accumulate(parts[:0:-1], initial=nothing)
    return [left + right for left, right in zip(before, reversed(list(after)), strict=True)]
