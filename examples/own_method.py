"""A method of one's own, with a network of its own: GPAE that bootstraps on an optimistic critic.

In this folder, or with this folder on PYTHONPATH:

    gpae train --import own_method method=optimistic_gpae task=smax/3m method.optimism=0.5
    gpae train -m --import own_method method=gpae,optimistic_gpae seed=0,1,2

The run's folder remembers the module: ``gpae resume`` and ``gpae evaluate`` import it again.
"""

from dataclasses import dataclass

import jax.numpy as jnp

from gpae.estimators import gpae, value_targets
from gpae.fields import fraction
from gpae.methods import Estimate, Gpae, Table1Row, ValueNetwork, register_method


@dataclass(frozen=True)
class ExpectileNetwork(ValueNetwork):
    """A critic of an expectile of its targets instead of their mean (Newey and Powell, 1987)."""

    expectile: float = 0.5

    def loss(self, params, minibatch):
        """Squared errors, weighted by their signs."""
        batch, hidden_state = minibatch.batch, minibatch.hidden_states[self.name]
        inputs = self.inputs_of(minibatch)
        _, values = self.apply(params, hidden_state, inputs, batch.steps.first)
        errors = batch.targets[self.name] - values
        weights = jnp.where(errors > 0.0, self.expectile, 1.0 - self.expectile)
        loss = minibatch.mean(weights * errors**2)
        return loss, {f"loss/{self.name}": loss}


@register_method
@dataclass
class OptimisticGpae(Gpae):
    """GPAE whose successor values are partly those of an upper expectile.

    Attributes:
        optimism: The weight of the optimistic critic in the successor values, in [0, 1].
        expectile: The expectile that this critic learns; 0.5 is the mean.
    """

    name: str = "optimistic_gpae"
    optimism: float = fraction(0.5)
    expectile: float = fraction(0.7)

    table1 = Table1Row(
        credit="n-step", off_policy=True, additional_bias=True, source="examples/own_method.py"
    )

    def networks(self, spec, network, update):
        """GPAE's critic, and the optimistic one."""
        optimist = ExpectileNetwork(
            "optimist", self.critic(spec.actions), network, update, self.expectile
        )
        return {**super().networks(spec, network, update), "optimist": optimist}

    def estimate(self, evidence):
        """Eq. 7 with mixed successor values; both critics learn the same targets (Eq. 11)."""
        optimist = evidence.networks["optimist"].next_values
        coefficients = self.coefficients(evidence.log_ratios)
        advantages = gpae(
            evidence.rewards,
            evidence.values,
            evidence.next_values + self.optimism * (optimist - evidence.next_values),
            evidence.discounts,
            evidence.boundaries,
            self.lambda_ * coefficients,
            bootstrap_weights=self.bootstrap_weights(evidence),
        )
        targets = value_targets(evidence.values, advantages, evidence.log_ratios)
        return Estimate(advantages, {"critic": targets, "optimist": targets}, coefficients)
