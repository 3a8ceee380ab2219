"""Estimators of this library's own, not the paper's: V-bootstrapped and Q-corrected.

Both take the first step of ``r + g V(s') - EQ^i(s, a^-i)``, whose bootstrap has no action in it,
and differ in the control variate b of the later steps, V(s) or Q(s, a)::

    A^i[t] = b[t] - EQ^i[t] + H^i[t]
    H^i[t] = r[t] + g[t] V(s[t+1]) - b[t] + g[t] traces^i[t+1] H^i[t+1]

Shapes and units are those of :mod:`gpae.estimators.advantages`. What is exact of them, and what
they vary, is computed in :mod:`gpae.exact` (``docs/theory.md``).
"""

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike
from jaxtyping import Bool, Float

from gpae.estimators._agents import with_agent_axis
from gpae.estimators._recursion import backward_sums, next_traces
from gpae.estimators._validation import Shape, booleans, floats


def v_bootstrapped(
    rewards: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    values: Float[ArrayLike, "T *B N"],
    state_values: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    next_state_values: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    discounts: Float[ArrayLike, "T *B"],
    boundaries: Bool[ArrayLike, "T *B"],
    traces: Float[ArrayLike, "T *B N"] | Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """V-bootstrapped per-agent advantages: GAE with the baseline EQ^i at the step itself.

    This library's own, not the paper's. ``A^i[t] = G[t] + V(s[t]) - EQ^i[t]`` with
    ``G[t] = r[t] + g[t] V(s[t+1]) - V(s[t]) + g[t] traces[t+1] G[t+1]``, the last term dropped at
    boundaries and at the last step. With ``values`` equal to ``state_values`` and a scalar trace it
    is :func:`gpae.estimators.gae`.

    At lambda = 1 on-policy it is unbiased for any V and EQ^i. Off-policy it is exact at right
    values with untruncated traces of the joint ratio alone.

    Args:
        rewards: Reward of step t, the team's or one for each agent.
        values: ``EQ^i`` of step t: agent i's value given the state and the actions of the others.
        state_values: ``V`` of the state that step t starts from, the team's or one for each agent.
        next_state_values: ``V`` of the true successor of step t, before any reset; as many.
        discounts: Discount factor, or 0 where step t ended the episode by termination.
        boundaries: Whether step t is the last of its episode, by termination or truncation.
        traces: ``lambda * c`` of step t, from :func:`gpae.estimators.traces`, or on-policy the
            scalar lambda, in [0, 1]. The values of an array are not checked; ``traces[0]`` has no
            effect.

    Returns:
        Advantages of each agent, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    return _corrected(
        "state_values",
        rewards,
        values,
        state_values,
        next_state_values,
        discounts,
        boundaries,
        traces,
    )


def q_corrected(
    rewards: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    values: Float[ArrayLike, "T *B N"],
    action_values: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    next_state_values: Float[ArrayLike, "T *B"] | Float[ArrayLike, "T *B N"],
    discounts: Float[ArrayLike, "T *B"],
    boundaries: Bool[ArrayLike, "T *B"],
    traces: Float[ArrayLike, "T *B N"] | Float[ArrayLike, ""],
) -> Float[Array, "T *B N"]:
    """Q-corrected per-agent advantages: Q - EQ^i, and what the rewards add that Q did not foresee.

    This library's own, not the paper's. ``A^i[t] = Q[t] - EQ^i[t] + D[t]`` with
    ``D[t] = dQ[t] + g[t] traces[t+1] D[t+1]``, the last term dropped at boundaries and at the last
    step, and ``dQ[t] = r[t] + g[t] V(s[t+1]) - Q[t]``. D is the sum of Q(lambda) (Harutyunyan et
    al., 2016) and, with truncated traces, of Retrace (Munos et al., 2016).

    At lambda = 1 on-policy it is unbiased for any Q, as long as V is its mean under the target
    policy; :func:`decomposed_values` gives such a V. At the right Q it is exact off-policy with
    every trace scheme.

    Args:
        rewards: Reward of step t, the team's or one for each agent.
        values: ``EQ^i`` of step t, the mean of ``action_values`` over agent i's action.
        action_values: ``Q`` of step t at the actions taken, the team's or one for each agent.
        next_state_values: ``V`` of the true successor of step t, before any reset: the mean of Q
            there under the target policy; as many.
        discounts: Discount factor, or 0 where step t ended the episode by termination.
        boundaries: Whether step t is the last of its episode, by termination or truncation.
        traces: ``lambda * c`` of step t, from :func:`gpae.estimators.traces`, or on-policy the
            scalar lambda, in [0, 1]. The values of an array are not checked; ``traces[0]`` has no
            effect.

    Returns:
        Advantages of each agent, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape or is out of range; the message names it.
    """
    return _corrected(
        "action_values",
        rewards,
        values,
        action_values,
        next_state_values,
        discounts,
        boundaries,
        traces,
    )


def decomposed_values(
    state_values: Float[ArrayLike, "*B"], terms: Float[ArrayLike, "*B N"]
) -> tuple[Float[Array, "*B"], Float[Array, "*B N"]]:
    """Values of a decomposed critic ``Q(s, a) = V(s) + sum_j u_j(s, a^j)``, in closed form.

    This library's own. Where each ``u_j`` has mean zero under agent j's policy, V is the mean of Q
    over all actions, and ``EQ^i = Q - u_i`` its mean over agent i's.

    Args:
        state_values: ``V`` of each step.
        terms: ``u_j`` of the action that each agent took.

    Returns:
        ``Q`` at the actions taken, and ``EQ^i`` of each agent, without gradient.

    Raises:
        TypeError: An argument is of the wrong type; the message names it.
        ValueError: An argument has the wrong shape; the message names it.
    """
    terms = floats("terms", terms, Shape("*B N"))
    state_values = floats("state_values", state_values, Shape("*B", terms.shape[:-1], "terms"))
    action_values = state_values + terms.sum(axis=-1)
    values = action_values[..., None] - terms
    return lax.stop_gradient(action_values), lax.stop_gradient(values)


def _corrected(
    name: str,
    rewards: ArrayLike,
    values: ArrayLike,
    control: ArrayLike,
    next_state_values: ArrayLike,
    discounts: ArrayLike,
    boundaries: ArrayLike,
    traces: ArrayLike,
) -> Array:
    """Both estimators, by their control variate and its name."""
    values = floats("values", values, Shape("T *B N"))
    rank = values.ndim
    agents = Shape("T *B N", values.shape, "values")
    steps = Shape("T *B", values.shape[:-1], "values")
    rewards = with_agent_axis(floats("rewards", rewards, steps, agents), rank)
    control = floats(name, control, steps, agents)
    like_control = agents if control.ndim == rank else steps
    following = with_agent_axis(floats("next_state_values", next_state_values, like_control), rank)
    control = with_agent_axis(control, rank)
    discounts = floats("discounts", discounts, steps)[..., None]
    boundaries = booleans("boundaries", boundaries, steps)[..., None]
    decay = discounts * next_traces("traces", traces, agents)
    errors = rewards + discounts * following - control
    errors = jnp.broadcast_to(errors, jnp.broadcast_shapes(errors.shape, decay.shape))
    return lax.stop_gradient(backward_sums(errors, decay, boundaries) + control - values)
