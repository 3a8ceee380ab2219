"""What would have followed had one agent acted otherwise: values and rewards of its own actions."""

from collections.abc import Callable
from dataclasses import replace

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Float, Int, PRNGKeyArray

from gpae.methods import OwnActions
from gpae.networks import (
    CategoricalPolicy,
    CriticInputs,
    CriticSpec,
    Policy,
    apply_critic,
    apply_reward_models,
    sample,
)
from gpae.training.passes import EstimationPlan
from gpae.training.state import HiddenStates, Params, Steps
from gpae.training.valuation import Outputs, critic_inputs


@struct.dataclass
class Situation:
    """All that alternatives to the actions taken are evaluated with, [T, E, ...].

    Attributes:
        steps: The steps.
        policy: The current policies.
        outputs: The critic's outputs with the actions taken.
        hidden_states: The recurrent states before each step.
        keys: One key an environment, for own actions that have to be sampled, [E].
    """

    steps: Steps
    policy: Policy
    outputs: Outputs
    hidden_states: HiddenStates
    keys: PRNGKeyArray


def own_action_values(
    plan: EstimationPlan, params: Params, situation: Situation
) -> OwnActions | None:
    """The critic's values of the agents' own actions, where what it says depends on them."""
    if not plan.critic.spec.depends_on_own_action:
        return None
    if isinstance(situation.policy, CategoricalPolicy):
        return OwnActions(
            values=situation.outputs,
            probabilities=situation.policy.probabilities,
            taken=situation.steps.actions,
        )

    inputs = _inputs(plan.critic.spec, situation)

    def value(own_features: Float[Array, "T E N A"]) -> Float[Array, "T E N"]:
        own = replace(inputs, own_features=own_features)
        resets = situation.steps.first[None]
        hidden_state = situation.hidden_states.critic
        return apply_critic(plan.critic, params.critic, hidden_state, own[None], resets)[1][0]

    sampled = _of_samples(value, situation, plan.method.own_action_samples)
    return with_taken(situation.outputs, sampled)


def with_taken(taken: Float[Array, "T E N"], sampled: Float[Array, "T E N K"]) -> OwnActions:
    """Put the action taken first, with probability 0, before equally likely samples."""
    values = jnp.concatenate([taken[..., None], sampled], axis=-1)
    probabilities = jnp.full_like(values, 1.0 / sampled.shape[-1]).at[..., 0].set(0.0)
    return OwnActions(
        values=values, probabilities=probabilities, taken=jnp.zeros(taken.shape, jnp.int32)
    )


def expected_rewards(
    plan: EstimationPlan, params: Params, situation: Situation
) -> Float[Array, "T E N"] | None:
    """E_{a^i}[r] of the mean reward model, the others' actions as taken."""
    models = plan.reward_models
    if models is None:
        return None
    inputs = _inputs(models.spec, situation)
    if isinstance(situation.policy, CategoricalPolicy):
        rewards = apply_reward_models(models, params.reward_model, inputs).mean(0)
        return (situation.policy.probabilities * rewards).sum(-1)

    def reward(own_features: Float[Array, "T E N A"]) -> Float[Array, "T E N"]:
        own = replace(inputs, own_features=own_features)
        return apply_reward_models(models, params.reward_model, own).mean(0)

    return _of_samples(reward, situation, plan.method.own_action_samples).mean(-1)


def _inputs(spec: CriticSpec, situation: Situation) -> CriticInputs:
    policy, steps = situation.policy, situation.steps
    return critic_inputs(spec, steps.observation, policy.features(steps.actions), policy.summary())


def _of_samples(
    function: Callable[[Float[Array, "T E N A"]], Float[Array, "T E N"]],
    situation: Situation,
    count: int,
) -> Float[Array, "T E N K"]:
    """A function of the own actions' features at ``count`` samples of the current policy.

    The samples depend on the keys alone: whatever is evaluated of a batch, it is at the same ones.
    """

    def of_sample(index: Int[Array, ""]) -> Float[Array, "T E N"]:
        keys = jax.vmap(jax.random.fold_in, in_axes=(0, None))(situation.keys, index)
        policy = situation.policy
        return function(policy.features(sample(keys, policy, axis=1)))

    return jnp.moveaxis(jax.lax.map(of_sample, jnp.arange(count)), 0, -1)
