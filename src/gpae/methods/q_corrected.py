"""Q-corrected advantages from one decomposed critic; this library's own method."""

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, PRNGKeyArray, PyTree

from gpae.environments.environment import Actions, ActionSpace, EnvironmentSpec, Observation
from gpae.errors import UserError
from gpae.estimators import TRACE_SCHEMES, decomposed_values, q_corrected, value_targets
from gpae.fields import choice, positive_or_infinite, whole
from gpae.methods.evidence import Estimate, Evidence
from gpae.methods.method import Table1Row, register_method
from gpae.methods.networks import LearnedNetwork, Outputs, ValueNetwork
from gpae.methods.policy_gradient import PolicyGradientMethod
from gpae.methods.settings import UpdateSettings
from gpae.networks import CriticInputs, CriticSpec, NetworkSettings, Policy
from gpae.networks.critic import VALUE_SCALE

CONTRACTING = ("joint", "double", "inner", "untruncated")
"""Trace schemes whose coefficients are at most rho: Q's targets contract by the discount."""


@register_method
@dataclass
class QCorrected(PolicyGradientMethod):
    """Q - EQ^i, and the rewards that Q did not foresee, by a critic ``Q = V(s) + sum_j u_j``.

    Agent j's term u_j is of its own action, the state and its observation, with mean zero under its
    current policy: V is the mean of Q, and EQ^i is Q without u_i. Without pair terms the critic
    knows no interaction of two agents' actions; with them ``Q = V + sum_j u_j + sum_{j<k} p_jk``,
    each p_jk with mean zero under either policy. Continuous actions enter linearly and squared.

    Attributes:
        pair_rank: Rank of the pair terms, each an inner product of two agents' vectors of so many
            numbers; 0 for none.
        target_limit: Upper limit of the joint ratio that weighs the critic's targets; infinite for
            none, which with untruncated traces is exact in expectation.
    """

    name: str = "q_corrected"
    trace_scheme: str = choice("joint", TRACE_SCHEMES)
    target_limit: float = positive_or_infinite(1.0)
    pair_rank: int = whole(0, 0)

    table1: ClassVar[Table1Row] = Table1Row(
        credit="n-step",
        off_policy=True,
        additional_bias=False,
        source="this library",
        note="not the paper's; off-policy, exact where Q is a sum over agents, else only with "
        "trace_scheme=untruncated and target_limit=inf (docs/theory.md)",
    )

    def critic(self, actions: ActionSpace) -> CriticSpec:
        """The team's state value."""
        return CriticSpec(per_agent=False)

    def networks(
        self, spec: EnvironmentSpec, network: NetworkSettings, update: UpdateSettings
    ) -> dict[str, LearnedNetwork]:
        """The decomposed critic.

        Raises:
            UserError: Each agent has rewards of its own.
        """
        if spec.agent_rewards:
            raise UserError(
                f"{spec.name} pays each agent a reward of its own, and {self.name} needs one team "
                "reward: use another method, such as method=gpae"
            )
        terms = CriticSpec(
            per_agent=True,
            own_observation=True,
            action_values=True,
            values_per_action=1 + self.pair_rank,
        )
        critic = DecomposedCritic("critic", self.critic(spec.actions), network, update, terms)
        return {"critic": critic}

    def estimate(self, evidence: Evidence) -> Estimate:
        """Advantages, and targets of Q weighted by the joint ratio."""
        coefficients = self.coefficients(evidence.log_ratios)
        action_values, values = self._values(evidence)
        advantages = q_corrected(
            evidence.rewards,
            values,
            action_values,
            evidence.next_values[..., 0],
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
        )
        action_values = action_values[..., None]
        errors = (advantages + values - action_values).mean(-1, keepdims=True)
        joint = evidence.log_ratios.sum(-1, keepdims=True)
        targets = value_targets(action_values, errors, joint, limit=self.target_limit)
        return Estimate(advantages, {"critic": targets}, coefficients)

    def baselines(self, evidence: Evidence) -> Float[Array, "T E N"]:
        """EQ^i: Q without the terms that agent i's action has a part in."""
        return self._values(evidence)[1]

    def _values(self, evidence: Evidence) -> tuple[Float[Array, "T E"], Float[Array, "T E N"]]:
        """Q and every EQ^i."""
        agents = evidence.log_ratios.shape[-1]
        state, terms, rest = jnp.split(evidence.values, (1, 1 + agents), axis=-1)
        return decomposed_values(state[..., 0] + rest.sum(-1), terms)

    def cautions(self) -> list[str]:
        """The trace schemes with which the critic's targets need not contract."""
        if self.trace_scheme in CONTRACTING:
            return []
        return [
            f"method={self.name} with method.trace_scheme={self.trace_scheme} need not converge "
            f"off-policy; {', '.join(CONTRACTING)} do (docs/theory.md)"
        ]


@dataclass(frozen=True)
class DecomposedCritic(ValueNetwork):
    """A critic ``Q(s, a) = V(s) + sum_j u_j(s, a^j)``, each u_j with mean zero under pi^j.

    Its values are V and the N terms of the actions taken, [V, u_1, ..., u_N], its predictions Q,
    their sum. A term is linear in features of the action that the policy has centred in closed form
    (:meth:`~gpae.networks.Policy.centred_features`), by coefficients of a network of its own.

    Pair terms are ``p_jk = <f_j, f_k>`` with vectors f linear in the same features. Agent i's term
    is then all that its action has a part in, ``u_i + sum_{k != i} p_ik``, and as that counts every
    pair twice there is one more value, the pairs' sum taken off.

    Attributes:
        terms: The inputs of the network of the terms' coefficients, one for u and the others for f.
    """

    terms: CriticSpec

    @property
    def parts(self) -> dict[str, ValueNetwork]:
        """The networks of V and of the terms' coefficients."""
        specs = {"state": self.spec, "terms": self.terms}
        return {
            name: ValueNetwork(self.name, spec, self.settings, self.update)
            for name, spec in specs.items()
        }

    def init(self, key: PRNGKeyArray, inputs: CriticInputs) -> Any:
        """The first parameters of both networks."""
        keys = jax.random.split(key, len(self.parts))
        return {
            name: part.init(each, inputs)
            for each, (name, part) in zip(keys, self.parts.items(), strict=True)
        }

    def apply(
        self,
        params: Any,
        hidden_state: PyTree,
        inputs: CriticInputs,
        resets: Bool[Array, "T *b"],
    ) -> tuple[PyTree, Outputs]:
        """The hidden states of both networks, and V and the terms, [T, *b, C]."""
        hidden_states, outputs = {}, {}
        for name, part in self.parts.items():
            hidden_states[name], outputs[name] = part.apply(
                params[name], hidden_state[name], inputs, resets
            )
        terms = self._terms(outputs["terms"], inputs.action_features)
        return hidden_states, jnp.concatenate([outputs["state"], terms], axis=-1)

    def _terms(
        self, coefficients: Float[Array, "*b N FK"], features: Float[Array, "*b N F"]
    ) -> Float[Array, "*b M"]:
        """The agents' terms and, with pair terms, their sum taken off."""
        by_feature = coefficients.reshape(*features.shape, self.terms.values_per_action)
        found = (by_feature * features[..., None]).sum(-2)
        own, factors = found[..., 0], found[..., 1:]
        if not factors.shape[-1]:
            return own
        others = factors.sum(-2, keepdims=True) - factors
        pairs = (factors * others).sum(-1) / VALUE_SCALE
        return jnp.concatenate([own + pairs, -0.5 * pairs.sum(-1, keepdims=True)], axis=-1)

    def initial_hidden_state(self, environments: int, agents: int) -> PyTree:
        """The hidden states of both networks at an episode's start."""
        return {
            name: part.initial_hidden_state(environments, agents)
            for name, part in self.parts.items()
        }

    def inputs(
        self, observation: Observation, policy: Policy, summary: Array, actions: Actions
    ) -> CriticInputs:
        """The inputs, with actions as the policy's centred features."""
        del summary
        features = policy.centred_features(actions)
        return CriticInputs(
            state=observation.state,
            observations=observation.observations,
            action_features=features,
            own_features=jnp.zeros_like(features),
        )

    def values(self, outputs: Outputs, actions: Actions) -> Float[Array, "*b C"]:
        """V and the terms of the actions taken, and with pair terms what they count twice."""
        return outputs

    def predictions(self, values: Float[Array, "*b C"]) -> Float[Array, "*b 1"]:
        """Q, the sum of V and the terms."""
        return values.sum(-1, keepdims=True)
