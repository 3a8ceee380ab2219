"""Variance of the policy gradient at given states, over fresh actions and fresh episodes."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from gpae.credit.states import CreditStates
from gpae.networks import PolicyNetwork


@dataclass(frozen=True)
class GradientMoments:
    """Moments of ``sum_i grad log pi^i(a^i | s) A^i`` by the policy's parameters, given the state.

    Attributes:
        square: Mean squared norm, [S].
        variance: Trace of the covariance, [S], with R - 1: without bias.
    """

    square: Float[np.ndarray, " S"]
    variance: Float[np.ndarray, " S"]

    @property
    def signal(self) -> Float[np.ndarray, " S"]:
        """Squared norm of the mean, without bias: it may come out below 0."""
        return self.square - self.variance


def score_products(
    actor: PolicyNetwork,
    params: Any,
    states: CreditStates,
    actions: Float[Array, "S R N *A"],
) -> Float[np.ndarray, "S RN RN"]:
    """Inner products of all scores ``grad log pi^i(a^i | s)`` of a state, sample by sample.

    The gradient is by every parameter of the policy, at one step from the state's hidden state.
    Memory is R N times the policy's parameters.

    Args:
        actor: The policy network.
        params: Its parameters.
        states: The states.
        actions: Joint actions, R at each state.
    """

    def of_state(
        given: tuple[CreditStates, Float[Array, "R N *A"]],
    ) -> Float[Array, "RN RN"]:
        state, joint = given
        state = jax.tree.map(lambda leaf: leaf[None], state)

        def log_probs(params: Any, joint: Array) -> Float[Array, " N"]:
            return state.policy(actor, params).log_prob(joint[None])[0]

        scores = jax.vmap(jax.jacrev(log_probs), in_axes=(None, 0))(params, joint)
        rows = [
            leaf.reshape(joint.shape[0] * joint.shape[1], -1) for leaf in jax.tree.leaves(scores)
        ]
        return sum((each @ each.T for each in rows), start=jnp.zeros(()))

    products = jax.jit(lambda *given: jax.lax.map(of_state, given))(states, jnp.asarray(actions))
    return np.asarray(products, np.float64)


def gradient_moments(
    products: Float[np.ndarray, "S RN RN"], advantages: Float[np.ndarray, "S R N"]
) -> GradientMoments:
    """Moments over R samples, from the inner products of their scores.

    Args:
        products: As :func:`score_products` gives them.
        advantages: An estimator's advantages of the same joint actions.
    """
    states, repetitions, agents = advantages.shape
    weights = np.asarray(advantages, np.float64)
    pairs = products.reshape(states, repetitions, agents, repetitions, agents)
    between = np.einsum("srn,srnqm,sqm->srq", weights, pairs, weights)
    square = np.einsum("srr->s", between) / repetitions
    squared_mean = between.sum((1, 2)) / repetitions**2
    variance = (square - squared_mean) * repetitions / (repetitions - 1)
    return GradientMoments(square, variance)
