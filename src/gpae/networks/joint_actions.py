"""A dense layer over the joint action as each agent's critic sees it, without its own part."""

from itertools import accumulate

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.networks.initialisers import HIDDEN_INITIALISER
from gpae.networks.parameters import parameter


def joint_action_inputs(
    action_features: Float[Array, "*b N A"], own_features: Float[Array, "*b N A"]
) -> Float[Array, "*b N NA"]:
    """What each critic sees of the joint action: the others' parts, and its own slot's content.

    Args:
        action_features: Each agent's action taken.
        own_features: What replaces agent i's own action in its row.

    Returns:
        One row an agent, agent j's part in columns j A .. (j + 1) A - 1.
    """
    num_agents = action_features.shape[-2]
    own_slot = jnp.eye(num_agents, dtype=bool)[..., None]
    rows = jnp.where(own_slot, own_features[..., :, None, :], action_features[..., None, :, :])
    return rows.reshape(*rows.shape[:-2], -1)


class JointActionLayer(nn.Module):
    """A dense layer without bias over :func:`joint_action_inputs`, which it never builds.

    The rows of two agents differ in two slots only, so the layer is applied slot by slot, once an
    environment. Agent i's output adds up the others' slots, its own action never among them: that
    cannot change it by so much as a rounding error. The gradient, of the same values, is added up
    the other way round (:func:`apply_to_joint_actions`).
    """

    size: int

    @nn.compact
    def __call__(
        self, action_features: Float[Array, "*b N A"], own_features: Float[Array, "*b N A"]
    ) -> Float[Array, "*b N size"]:
        """Apply the layer to each agent's row."""
        num_agents, num_actions = action_features.shape[-2:]
        kernel = parameter(
            self, "kernel", HIDDEN_INITIALISER, (num_agents * num_actions, self.size)
        )
        return apply_to_joint_actions(action_features, own_features, kernel)


@jax.custom_vjp
def apply_to_joint_actions(
    action_features: Float[Array, "*b N A"],
    own_features: Float[Array, "*b N A"],
    kernel: Float[Array, "NA H"],
) -> Float[Array, "*b N H"]:
    """``joint_action_inputs(action_features, own_features) @ kernel``, slot by slot.

    Its gradient adds up all agents' rows, and takes the own off again, which is faster; by an
    agent's own action it is therefore 0 only to float precision.

    Args:
        action_features: Each agent's action taken, floats.
        own_features: What replaces agent i's own action in its row, floats.
        kernel: The layer's kernel, agent j's part in rows j A .. (j + 1) A - 1.

    Returns:
        Agent i's output in row i.
    """
    slots = list(enumerate(jnp.split(kernel, action_features.shape[-2])))
    taken = [action_features[..., agent, :] @ slot for agent, slot in slots]
    own = [own_features[..., agent, :] @ slot for agent, slot in slots]
    others = sums_of_others(taken)
    return jnp.stack([sum_ + part for sum_, part in zip(others, own, strict=True)], axis=-2)


def _joint_actions_forward(
    taken: Array, own: Array, kernel: Array
) -> tuple[Array, tuple[Array, Array, Array]]:
    return apply_to_joint_actions(taken, own, kernel), (taken, own, kernel)


def _joint_actions_backward(
    given: tuple[Array, Array, Array], gradient: Array
) -> tuple[Array, Array, Array]:
    """The gradients: others' rows are all rows but the own, whose part is taken off again."""
    taken, own, kernel = given
    shape = (-1, *taken.shape[-2:])
    taken, own, gradient = (
        each.reshape(*shape[:2], each.shape[-1]) for each in (taken, own, gradient)
    )
    slots, total = kernel.reshape(*shape[1:], -1), gradient.sum(1)
    by_slots = jnp.einsum("rna,rh->nah", taken, total) + jnp.einsum(
        "rna,rnh->nah", own - taken, gradient
    )
    by_own = jnp.einsum("rnh,nah->rna", gradient, slots)
    by_taken = jnp.einsum("rh,nah->rna", total, slots) - by_own
    batch = given[0].shape
    return by_taken.reshape(batch), by_own.reshape(batch), by_slots.reshape(kernel.shape)


apply_to_joint_actions.defvjp(_joint_actions_forward, _joint_actions_backward)


def sums_of_others(parts: list[Array]) -> list[Array]:
    """For each part the sum of all the others, made without it."""
    nothing = jnp.zeros_like(parts[0])
    before = accumulate(parts[:-1], initial=nothing)
    after = accumulate(parts[:0:-1], initial=nothing)
    return [left + right for left, right in zip(before, reversed(list(after)), strict=True)]
