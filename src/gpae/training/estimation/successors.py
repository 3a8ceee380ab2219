"""Values of each step's true successor."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from gpae.environments.environment import Actions, Observation
from gpae.networks import Policy, apply_actor, sample
from gpae.training.estimation.forward import EstimationPlan, Forwards
from gpae.training.state import Params, Rollout, Truncations
from gpae.training.window import merge_time


@dataclass(frozen=True)
class Successors:
    """The J = M K + 1 successors of an environment's window that no step of it observes.

    They follow truncated steps and the window's last step. The data has no actions there, so these
    are sampled from the current policy.

    Attributes:
        plan: The constants of estimation.
        params: The current parameters.
        rollouts: The window's rollouts, [M, T, E, ...].
        forwards: The networks' forward passes over them, [M, T, E, ...].
        last: The observation after the window's last step, [E, ...].
        keys: One key an environment, for the sampled actions.
    """

    plan: EstimationPlan
    params: Params
    rollouts: Rollout
    forwards: Forwards
    last: Observation
    keys: PRNGKeyArray

    def next_values(self, name: str, values: Float[Array, "T E C"]) -> Float[Array, "T E C"]:
        """Values of each step's true successor: the next step's, but at truncations and the end.

        Args:
            name: The network.
            values: Its values of the window's steps, in merged time.
        """
        sampled = self._values(name)
        shifted = jnp.concatenate([values[1:], sampled[-1:]])
        environments = jnp.arange(shifted.shape[1])
        return shifted.at[self._places, environments].set(sampled[:-1], mode="drop")

    @cached_property
    def _places(self) -> Int[Array, "MK E"]:
        return places_of_truncations(
            self.rollouts.truncations, self.rollouts.steps.rewards.shape[1]
        )

    @cached_property
    def _observations(self) -> Observation:
        """The observations, [J, E, ...]."""
        return jax.tree.map(
            lambda truncated, last: jnp.concatenate([truncated, last[None]]),
            merge_time(self.rollouts.truncations.observation),
            self.last,
        )

    @cached_property
    def _policy(self) -> Policy:
        """The current policy at each, [J, E, N, A]."""
        observations = self._observations
        _, policy = apply_actor(
            self.plan.actor,
            self.params["actor"],
            self._hidden_states("actor"),
            observations.observations[None],
            observations.available_actions[None],
            self._continuing,
        )
        return policy[0]

    @cached_property
    def _actions(self) -> Actions:
        return sample(self.keys, self._policy, axis=1)

    @property
    def _continuing(self) -> Bool[Array, "1 J E"]:
        """False everywhere: no successor begins an episode."""
        return jnp.zeros((1, *self._observations.state.shape[:2]), bool)

    def _values(self, name: str) -> Float[Array, "J E C"]:
        network = self.plan.networks[name]
        inputs = network.inputs(
            self._observations, self._policy, self._policy.summary(), self._actions
        )
        _, outputs = network.apply(
            self.params[name], self._hidden_states(name), inputs[None], self._continuing
        )
        return network.values(outputs[0], self._actions)

    def _hidden_states(self, name: str) -> Any:
        """A network's hidden states after truncated steps and after the last, [J, E, ...]."""
        return jax.tree.map(_of_window, self.forwards[name].at_successors)


def places_of_truncations(truncations: Truncations, steps: int) -> Int[Array, "MK E"]:
    """The truncated steps' places in merged time, past its end where a slot is unused.

    Args:
        truncations: The truncations of M rollouts, [M, K, E, ...].
        steps: The steps T of a rollout.
    """
    rollouts = len(truncations.index)
    offsets = jnp.arange(rollouts)[:, None, None] * steps
    used = truncations.index < steps
    return merge_time(jnp.where(used, offsets + truncations.index, rollouts * steps))


def _of_window(at_successors: Array) -> Array:
    """Each rollout's truncations, and the last one's end: [M, K+1, ...] to [M K + 1, ...]."""
    return jnp.concatenate([merge_time(at_successors[:, :-1]), at_successors[-1, -1:]])
