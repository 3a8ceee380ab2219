"""DAE: generalised advantages less the expected reward of each agent's own action (Eq. 3)."""

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import flax.linen as nn
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from gpae.environments.environment import ActionSpace, EnvironmentSpec
from gpae.estimators import TRACE_SCHEMES, dae, value_targets
from gpae.fields import choice, fraction, whole
from gpae.methods.batch import Minibatch
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.networks import LearnedNetwork, Metrics, Outputs
from gpae.methods.policy_gradient import PolicyGradientMethod
from gpae.methods.settings import UpdateSettings
from gpae.networks import (
    Critic,
    CriticInputs,
    CriticSpec,
    NetworkSettings,
    initial_hidden_state,
)


@register_method
@dataclass
class Dae(PolicyGradientMethod):
    """Difference rewards inside GAE, from a reward model of the state and the agents' actions.

    With a replay window the same traces carry both sums, and the critic's target is weighted by the
    truncated joint ratio as MAPPO's is.

    Attributes:
        beta: The part of the expected reward that is subtracted, in [0, 1]; it is to be tuned.
        reward_models: Size of the ensemble whose mean is the reward model.
        own_action_samples: Samples of an agent's own action that its expectation is taken over,
            where actions are continuous; discrete ones are all summed over.
    """

    name: str = "dae"
    trace_scheme: str = choice("joint", TRACE_SCHEMES)
    beta: float = fraction(0.5)
    reward_models: int = whole(2, 1)
    own_action_samples: int = whole(16, 1)

    table1: ClassVar[Table1Row] = Table1Row(
        credit="n-step",
        off_policy=False,
        additional_bias=True,
        source="Li et al., ICML 2022",
        note="beta = 0 is GAE; the bias is that of the learned reward model and of beta",
    )

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """A state value for each agent."""
        return CriticSpec(per_agent=True)

    def networks(
        self, spec: EnvironmentSpec, network: NetworkSettings, update: UpdateSettings
    ) -> dict[str, LearnedNetwork]:
        """The critic and the reward model."""
        model = RewardModel(
            "reward_model", CriticSpec.of_joint_action(spec.actions), network, self.reward_models
        )
        return {**super().networks(spec, network, update), "reward_model": model}

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages (Eq. 3), and targets GAE - B + V."""
        rewards = evidence.networks["reward_model"].own_actions(self.own_action_samples)
        coefficients = self.coefficients(evidence.log_ratios)
        advantages = dae(
            evidence.rewards,
            rewards.expectation(),
            evidence.values,
            evidence.next_values,
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
            self.beta,
        )
        joint = evidence.log_ratios.sum(-1, keepdims=True)
        targets = value_targets(
            evidence.values, advantages, jnp.broadcast_to(joint, advantages.shape)
        )
        return Estimate(advantages, {"critic": targets}, coefficients)


@dataclass(frozen=True)
class RewardModel(LearnedNetwork):
    """The mean of an ensemble of reward models, each regressed on the rewards.

    Attributes:
        settings: The networks' shape, as the critic's but feed-forward.
        size: Size of the ensemble.
    """

    settings: NetworkSettings
    size: int

    @property
    def module(self) -> "RewardEnsemble":
        """The Flax module."""
        return RewardEnsemble(self.settings, self.spec, self.size)

    def init(self, key: PRNGKeyArray, inputs: CriticInputs) -> Any:
        """The first parameters, different for each model."""
        return self.module.init(key, inputs)

    def apply(
        self,
        params: Any,
        hidden_state: PyTree,
        inputs: CriticInputs,
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Outputs]:
        """No hidden state, and the models' mean reward."""
        del resets
        return hidden_state, apply_reward_models(self.module, params, inputs).mean(0)

    def loss(self, params: Any, minibatch: Minibatch) -> tuple[Float[Array, ""], Metrics]:
        """Half the squared error of each model's reward for the action, summed over models."""
        steps = minibatch.batch.steps
        outputs = apply_reward_models(self.module, params, self.inputs_of(minibatch))
        actions = jnp.broadcast_to(steps.actions, (self.size, *steps.actions.shape))
        predicted = self.values(outputs, actions)
        rewards = steps.rewards.reshape(*steps.first.shape, -1)
        loss = minibatch.mean(0.5 * ((predicted - rewards) ** 2).sum(0))
        return loss, {f"loss/{self.name}": loss}


class RewardEnsemble(nn.Module):
    """Several feed-forward reward models that differ in their first parameters alone.

    Attributes:
        settings: The shape of the networks, as the critic's but feed-forward.
        spec: Each model's inputs, and whether it gives a reward for each own action.
        size: Number of models.
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


def apply_reward_models(
    ensemble: RewardEnsemble, params: Any, inputs: CriticInputs
) -> Float[Array, "size T *b N"] | Float[Array, "size T *b N A"]:
    """:class:`RewardEnsemble` with the given parameters, as a typed function.

    JAX refuses NumPy's own arrays where a function with a gradient of its own is vectorised.
    """
    rewards: Any = ensemble.apply(jax.tree.map(jnp.asarray, params), inputs)
    return rewards
