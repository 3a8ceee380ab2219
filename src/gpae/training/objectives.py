"""What each network is to minimise on a minibatch; networks share no parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.networks import (
    Actor,
    Critic,
    CriticInputs,
    CriticSpec,
    RewardEnsemble,
    apply_actor,
    apply_critic,
    apply_reward_models,
)
from gpae.training.losses import clipped_policy_loss, policy_ratio, value_loss
from gpae.training.minibatch import Minibatch, Rows, Totals
from gpae.training.protocol import Metrics
from gpae.training.settings import UpdateSettings
from gpae.training.state import Params, network_names
from gpae.training.valuation import critic_inputs, of_taken

NetworkLoss = Callable[["Objective", Any, Minibatch, Totals], tuple[Float[Array, ""], Metrics]]


@dataclass(frozen=True)
class Objective:
    """What losses are made of.

    Attributes:
        actor: The policy network.
        critic: The value network.
        reward_models: The method's reward models, if it has any.
        settings: Clipping and coefficients.
    """

    actor: Actor
    critic: Critic
    reward_models: RewardEnsemble | None
    settings: UpdateSettings


def network_loss(
    objective: Objective, network: str, params: Any, minibatch: Minibatch, totals: Totals
) -> tuple[Float[Array, ""], Metrics]:
    """This device's share of one network's loss, and of metrics to log.

    The sum over devices, and over the parts of a minibatch, is the mean over the minibatch.

    Args:
        objective: What the loss is made of.
        network: The network, a field of :class:`~gpae.training.state.Params`.
        params: The network's.
        minibatch: The minibatch, or a part of one.
        totals: Those of the whole minibatch, on all devices.

    Raises:
        KeyError: There is no such network.
    """
    return _LOSSES[network](objective, params, minibatch, totals)


def minibatch_loss(
    objective: Objective, params: Params, minibatch: Minibatch
) -> tuple[Float[Array, ""], Metrics]:
    """:func:`network_loss` of all networks together, on a whole minibatch."""
    totals = Totals.of(minibatch.rows)
    losses: list[Float[Array, ""]] = []
    metrics: Metrics = {}
    for network in network_names(params):
        held = getattr(params, network)
        loss, told = network_loss(objective, network, held, minibatch, totals)
        losses.append(loss)
        metrics |= told
    return jnp.stack(losses).sum(), metrics


def _actor_loss(
    objective: Objective, params: Any, minibatch: Minibatch, totals: Totals
) -> tuple[Float[Array, ""], Metrics]:
    """The clipped policy loss less the entropy's share, and how far the policy has moved."""
    settings, rows = objective.settings, minibatch.rows
    _, policy = apply_actor(
        objective.actor,
        params,
        minibatch.hidden_states.actor,
        rows.steps.observation.observations,
        rows.steps.observation.available_actions,
        rows.steps.first,
    )
    log_ratios = policy.log_prob(rows.steps.actions) - rows.steps.log_probs
    terms = clipped_policy_loss(log_ratios, rows.log_ratios, rows.advantages, settings.clip)
    loss = _share(terms, rows.weights, totals)
    entropy = _share(policy.entropy(), rows.weights, totals)
    metrics = {"loss/actor": loss, "loss/entropy": entropy}
    change = _policy_change(log_ratios, rows, settings.clip, totals)
    return loss - settings.entropy_coefficient * entropy, metrics | change


def _critic_loss(
    objective: Objective, params: Any, minibatch: Minibatch, totals: Totals
) -> tuple[Float[Array, ""], Metrics]:
    """The value loss times its coefficient."""
    settings, rows, spec = objective.settings, minibatch.rows, objective.critic.spec
    _, outputs = apply_critic(
        objective.critic,
        params,
        minibatch.hidden_states.critic,
        _inputs(spec, rows),
        rows.steps.first,
    )
    terms = value_loss(
        of_taken(spec, outputs, rows.steps.actions),
        rows.values,
        rows.targets,
        settings.clip if settings.value_clip else None,
        settings.huber_delta,
    )
    loss = _share(terms, rows.weights, totals)
    return settings.value_coefficient * loss, {"loss/critic": loss}


def _reward_model_loss(
    objective: Objective, params: Any, minibatch: Minibatch, totals: Totals
) -> tuple[Float[Array, ""], Metrics]:
    """Half the squared error of each model's reward for the action taken, summed over models."""
    models, rows = objective.reward_models, minibatch.rows
    assert models is not None
    outputs = apply_reward_models(models, params, _inputs(models.spec, rows))
    actions = jnp.broadcast_to(rows.steps.actions, (models.size, *rows.steps.actions.shape))
    rewards = of_taken(models.spec, outputs, actions)
    terms = 0.5 * ((rewards - rows.steps.rewards[..., None]) ** 2).sum(0)
    loss = _share(terms, rows.weights, totals)
    return loss, {"loss/reward_model": loss}


_LOSSES: dict[str, NetworkLoss] = {
    "actor": _actor_loss,
    "critic": _critic_loss,
    "reward_model": _reward_model_loss,
}


def _inputs(spec: CriticSpec, rows: Rows) -> CriticInputs:
    features = rows.policy.features(rows.steps.actions)
    return critic_inputs(spec, rows.steps.observation, features, rows.policy_summary)


def _share(
    term: Float[Array, "L R E K"], weights: Float[Array, "L R E"], totals: Totals
) -> Float[Array, ""]:
    """This device's part of the weighted mean over all devices."""
    return (term * weights[..., None]).sum() / (totals.steps * term.shape[-1])


def _policy_change(
    log_ratios: Float[Array, "L R E N"], rows: Rows, clip: float, totals: Totals
) -> Metrics:
    """This device's share of how far the policy has moved since the iteration began."""
    moved = jax.lax.stop_gradient(log_ratios) - rows.log_ratios
    ratio = policy_ratio(moved)
    weights = rows.weights[..., None] * rows.steps.observation.alive
    terms = {
        "update/approximate_kl": ratio - 1.0 - moved,
        "update/clip_fraction": (jnp.abs(ratio - 1.0) > clip).astype(jnp.float32),
    }
    return {name: (term * weights).sum() / totals.living for name, term in terms.items()}
