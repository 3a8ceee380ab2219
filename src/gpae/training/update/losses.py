"""The loss of each network on a minibatch: the actor's here, the others' in their methods."""

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.methods import LearnedNetwork, Metrics, Minibatch, UpdateSettings
from gpae.methods.losses import clipped_policy_loss, policy_ratio
from gpae.networks import Actor, apply_actor
from gpae.training.state import Params


@dataclass(frozen=True)
class Objective:
    """The networks that are learned, and the settings of the actor's loss.

    Attributes:
        actor: The policy network.
        networks: The method's networks by name.
        settings: Clipping and coefficients.
    """

    actor: Actor
    networks: dict[str, LearnedNetwork]
    settings: UpdateSettings

    def loss(
        self, network: str, params: Any, minibatch: Minibatch
    ) -> tuple[Float[Array, ""], Metrics]:
        """The share of a network's loss that this part of a minibatch has, and metrics to log.

        The sum over devices, and over the parts of a minibatch, is the mean over the minibatch.

        Args:
            network: The network's name.
            params: Its parameters.
            minibatch: The minibatch, or a part of one.

        Raises:
            KeyError: No network has the name.
        """
        if network == "actor":
            return actor_loss(self.actor, self.settings, params, minibatch)
        return self.networks[network].loss(params, minibatch)


def minibatch_loss(
    objective: Objective, params: Params, minibatch: Minibatch
) -> tuple[Float[Array, ""], Metrics]:
    """The sum of all networks' losses on a minibatch."""
    losses: list[Float[Array, ""]] = []
    metrics: Metrics = {}
    for network, held in params.items():
        loss, of_network = objective.loss(network, held, minibatch)
        losses.append(loss)
        metrics |= of_network
    return jnp.stack(losses).sum(), metrics


def actor_loss(
    actor: Actor, settings: UpdateSettings, params: Any, minibatch: Minibatch
) -> tuple[Float[Array, ""], Metrics]:
    """The clipped policy loss less the entropy's share, and the policy's change as metrics."""
    batch = minibatch.batch
    observation = batch.steps.observation
    _, policy = apply_actor(
        actor,
        params,
        minibatch.hidden_states["actor"],
        observation.observations,
        observation.available_actions,
        batch.steps.first,
    )
    log_ratios = policy.log_prob(batch.steps.actions) - batch.steps.log_probs
    loss = minibatch.mean(
        clipped_policy_loss(log_ratios, batch.log_ratios, batch.advantages, settings.clip)
    )
    entropy = minibatch.mean(policy.entropy())
    metrics = {"loss/actor": loss, "loss/entropy": entropy}
    change = _policy_change(log_ratios, minibatch, settings.clip)
    return loss - settings.entropy_coefficient * entropy, metrics | change


def _policy_change(
    log_ratios: Float[Array, "L R E N"], minibatch: Minibatch, clip: float
) -> Metrics:
    """The change of the policy since the iteration began, over living agents."""
    moved = jax.lax.stop_gradient(log_ratios) - minibatch.batch.log_ratios
    ratio = policy_ratio(moved)
    terms = {
        "update/approximate_kl": ratio - 1.0 - moved,
        "update/clip_fraction": (jnp.abs(ratio - 1.0) > clip).astype(jnp.float32),
    }
    return {name: minibatch.mean_of_living(term) for name, term in terms.items()}
