"""What a critic is given of a step, and which of its outputs is the value of what was done."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.environments.environment import Actions, Observation
from gpae.networks import CriticInputs, CriticSpec

Outputs = Float[Array, "*b C"] | Float[Array, "*b N A"]
"""What a critic says: values, or a value for each action of each agent."""


def critic_inputs(
    spec: CriticSpec,
    observation: Observation,
    action_features: Float[Array, "*b N A"],
    policy_summary: Float[Array, "*b N A"],
) -> CriticInputs:
    """Put together what a critic may look at, with the policy or the action in the own slots."""
    return CriticInputs(
        state=observation.state,
        observations=observation.observations,
        action_features=action_features,
        own_features=spec.own_features(policy_summary, action_features),
    )


def of_taken(spec: CriticSpec, outputs: Outputs, actions: Actions) -> Float[Array, "*b C"]:
    """The values themselves, or of action values those of the actions taken."""
    if not spec.action_values:
        return outputs
    return jnp.take_along_axis(outputs, actions[..., None], axis=-1).squeeze(-1)
