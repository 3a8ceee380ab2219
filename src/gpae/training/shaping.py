"""Shaped rewards that are learnt from beside the reward, annealed over a run's first env steps."""

from dataclasses import dataclass

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from gpae.environments.environment import EnvironmentSpec, Step
from gpae.errors import UserError


@dataclass(frozen=True)
class RewardShaping:
    """Linear annealing of shaped rewards, as JaxMARL's Overcooked baselines do it.

    Attributes:
        horizon: Environment steps over which the coefficient falls from 1 to 0.
        env_steps: Environment steps an update, of all environments and devices.
    """

    horizon: float
    env_steps: int

    def coefficient(self, update: Int[Array, ""]) -> Float[Array, ""]:
        """The coefficient of every step of the rollout that follows ``update`` updates."""
        env_steps = jnp.asarray(update, jnp.float32) * self.env_steps
        return jnp.maximum(1.0 - env_steps / self.horizon, 0.0)

    def reward(self, step: Step, update: Int[Array, ""]) -> Float[Array, "*b"]:
        """The reward of a step with its shaped one added, in the form of the reward."""
        assert step.shaped_reward is not None, "a spec with shaped rewards"
        return step.reward + self.coefficient(update) * step.shaped_reward


def make_shaping(spec: EnvironmentSpec, horizon: float, env_steps: int) -> RewardShaping | None:
    """The annealing that ``rollout.shaping_steps`` asks for, None if that is 0.

    Args:
        spec: The environment's spec.
        horizon: Environment steps over which shaped rewards are annealed to nothing.
        env_steps: Environment steps an update.

    Raises:
        UserError: The environment gives no shaped rewards.
    """
    if not horizon:
        return None
    if not spec.shaped_rewards:
        raise UserError(
            f"{spec.name} gives no shaped rewards for rollout.shaping_steps={horizon:g} to anneal: "
            "leave it out"
        )
    return RewardShaping(float(horizon), env_steps)
