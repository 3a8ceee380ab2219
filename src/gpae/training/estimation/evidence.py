"""The evidence of a window: the values of each network, computed when a method asks for them."""

from dataclasses import dataclass, replace
from functools import cached_property

from jaxtyping import Array, Float, PRNGKeyArray

from gpae.methods import HiddenStates, OwnActions, Steps
from gpae.networks import CategoricalPolicy, CriticInputs
from gpae.training.estimation.forward import EstimationPlan, Forwards
from gpae.training.estimation.own_actions import all_actions, sampled_actions
from gpae.training.estimation.successors import Successors
from gpae.training.state import Params


@dataclass(frozen=True)
class WindowEvidence:
    """The :class:`~gpae.methods.NetworkEvidence` of one network over a window.

    Attributes:
        name: The network.
        plan: The constants of estimation.
        params: The current parameters.
        steps: The window's steps, in merged time, [T, E, ...].
        forwards: The networks' forward passes over them, in merged time.
        hidden_states: The hidden states before each step, in merged time.
        successors: The successors that no step observes.
        keys: One key an environment, for own actions that have to be sampled, [E].
    """

    name: str
    plan: EstimationPlan
    params: Params
    steps: Steps
    forwards: Forwards
    hidden_states: HiddenStates
    successors: Successors
    keys: PRNGKeyArray

    @cached_property
    def values(self) -> Float[Array, "T E C"]:
        """Values of the steps."""
        network = self.plan.networks[self.name]
        return network.values(self.forwards[self.name].outputs, self.steps.actions)

    @cached_property
    def next_values(self) -> Float[Array, "T E C"]:
        """Values at each step's true successor."""
        return self.successors.next_values(self.name, self.values)

    def own_actions(self, samples: int) -> OwnActions:
        """Values of each agent's own actions.

        Raises:
            ValueError: The network's values do not depend on them.
        """
        if not self.plan.networks[self.name].spec.depends_on_own_action:
            raise ValueError(f"{self.name}: its values do not depend on the own action")
        policy, outputs = self.forwards["actor"].outputs, self.forwards[self.name].outputs
        if isinstance(policy, CategoricalPolicy):
            return all_actions(outputs, policy, self.steps.actions)
        return sampled_actions(outputs, self._value_of_own, policy, self.keys, samples)

    def _value_of_own(self, own_features: Float[Array, "T E N A"]) -> Float[Array, "T E N"]:
        inputs = replace(self._inputs, own_features=own_features)
        _, outputs = self.plan.networks[self.name].apply(
            self.params[self.name],
            self.hidden_states[self.name],
            inputs[None],
            self.steps.first[None],
        )
        return outputs[0]

    @cached_property
    def _inputs(self) -> CriticInputs:
        policy, steps = self.forwards["actor"].outputs, self.steps
        network = self.plan.networks[self.name]
        return network.inputs(steps.observation, policy, policy.summary(), steps.actions)
