"""Diagnostics of an estimate: spread between agents, truncation of the traces."""

import jax.numpy as jnp
from jaxtyping import Array, Float

from gpae.estimators import advantage_gap, trace_distances
from gpae.methods import Batch, Metrics
from gpae.training.reduce import global_mean


def batch_diagnostics(batch: Batch, coefficients: Float[Array, "T E N"]) -> Metrics:
    """Metrics over the steps and agents that exist and are alive, on all devices.

    Args:
        batch: The batch, its advantages not normalised.
        coefficients: The trace coefficients, lambda left out.
    """
    weights = batch.weights[..., None] * batch.steps.observation.alive
    advantages = batch.advantages
    team_mean = advantages.mean(-1, keepdims=True)
    targets = batch.targets["critic"]
    values = jnp.broadcast_to(batch.values["critic"], targets.shape)
    spread = _variance(targets, batch.weights[..., None])
    return {
        "estimate/advantage_std": jnp.sqrt(_variance(advantages, weights)),
        "estimate/advantage_spread_between_agents": jnp.sqrt(
            global_mean((advantages - team_mean) ** 2, weights)
        ),
        "estimate/value_mean": global_mean(values, batch.weights[..., None]),
        "estimate/explained_variance": 1.0
        - _variance(targets - values, batch.weights[..., None]) / jnp.maximum(spread, 1e-12),
        "estimate/largest_log_ratio": global_mean(jnp.abs(batch.log_ratios).max(-1), batch.weights),
        **_trace_diagnostics(coefficients, batch.log_ratios, weights),
        **_anomaly_diagnostics(batch),
    }


def _variance(values: Float[Array, "T E K"], weights: Float[Array, "T E K"]) -> Float[Array, ""]:
    return global_mean((values - global_mean(values, weights)) ** 2, weights)


def _trace_diagnostics(
    coefficients: Float[Array, "T E N"],
    log_ratios: Float[Array, "T E N"],
    weights: Float[Array, "T E N"],
) -> Metrics:
    """Distances of the trace coefficients to the true ratios, lambda left out (Eq. 9, Table 4)."""
    to_joint, to_own = trace_distances(coefficients, log_ratios)
    return {
        "trace/coefficient": global_mean(coefficients, weights),
        "trace/distance_to_joint": global_mean(to_joint, weights),
        "trace/distance_to_own": global_mean(to_own, weights),
        "trace/gap_absolute": global_mean(jnp.abs(to_joint - to_own), weights),
    }


def _anomaly_diagnostics(batch: Batch) -> Metrics:
    """The advantage gap of section 3.1 at the steps where an agent's action was replaced."""
    forced = batch.steps.forced
    if forced.shape[-1] < 2:
        return {}
    happened = forced.any(-1) * batch.weights
    gap = advantage_gap(batch.advantages, forced.argmax(-1))
    return {
        "anomaly/advantage_gap": global_mean(gap, happened),
        "anomaly/rate": global_mean(forced.any(-1).astype(jnp.float32), batch.weights),
    }
