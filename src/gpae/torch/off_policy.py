"""Traces and bootstrap weights on tensors; all is said in :mod:`gpae.estimators.off_policy`."""

from typing import Literal

from jaxtyping import Bool, Float

import torch
from gpae.estimators import DEFAULT_ETA, find_trace_scheme
from gpae.estimators._validation import Shape
from gpae.torch._ratios import bounded_exp, per_agent
from gpae.torch._validation import booleans, floats, fraction, positive
from torch import Tensor


@torch.no_grad()
def traces(
    scheme: str, log_ratios: Float[Tensor, "T *B N"], lambda_: float, eta: float = DEFAULT_ETA
) -> Float[Tensor, "T *B N"]:
    """Traces ``lambda_ * c`` of a scheme by name: :func:`gpae.estimators.traces`.

    Arguments and errors are the same; schemes registered there are known here.
    """
    rule = find_trace_scheme(scheme)
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    lambda_, eta = fraction("lambda_", lambda_), positive("eta", eta)
    coefficients = rule.coefficients(per_agent(own), eta).as_subclass(Tensor)
    return (lambda_ * coefficients).expand(own.shape).contiguous()


def uncorrected_traces(
    log_ratios: Float[Tensor, "T *B N"], lambda_: float
) -> Float[Tensor, "T *B N"]:
    """Traces without correction, ``lambda_``: scheme ``none`` of :func:`traces`."""
    return traces("none", log_ratios, lambda_)


def individual_truncated_traces(
    log_ratios: Float[Tensor, "T *B N"], lambda_: float
) -> Float[Tensor, "T *B N"]:
    """Individual truncation, IT: scheme ``individual`` of :func:`traces`."""
    return traces("individual", log_ratios, lambda_)


def joint_truncated_traces(
    log_ratios: Float[Tensor, "T *B N"], lambda_: float
) -> Float[Tensor, "T *B N"]:
    """Single truncation of the joint ratio, ST: scheme ``joint`` of :func:`traces`."""
    return traces("joint", log_ratios, lambda_)


def double_truncated_traces(
    log_ratios: Float[Tensor, "T *B N"], lambda_: float, eta: float = DEFAULT_ETA
) -> Float[Tensor, "T *B N"]:
    """Double truncation, DT-ISR (Eq. 8): scheme ``double`` of :func:`traces`."""
    return traces("double", log_ratios, lambda_, eta)


def inner_truncated_traces(
    log_ratios: Float[Tensor, "T *B N"], lambda_: float, eta: float = DEFAULT_ETA
) -> Float[Tensor, "T *B N"]:
    """Eq. 8 without its outer truncation: scheme ``inner`` of :func:`traces`."""
    return traces("inner", log_ratios, lambda_, eta)


def untruncated_traces(
    log_ratios: Float[Tensor, "T *B N"], lambda_: float
) -> Float[Tensor, "T *B N"]:
    """Importance sampling of the joint action: scheme ``untruncated`` of :func:`traces`."""
    return traces("untruncated", log_ratios, lambda_)


@torch.no_grad()
def bootstrap_weights(
    log_ratios: Float[Tensor, "T *B N"],
    boundaries: Bool[Tensor, "T *B"],
    resampled: Bool[Tensor, "T *B"],
    *,
    actions: Literal["others", "joint"] = "others",
    limit: float = float("inf"),
) -> Float[Tensor, "T *B N"]:
    """Weights that correct the bootstrap: :func:`gpae.estimators.bootstrap_weights`.

    Arguments and errors are the same.
    """
    own = floats("log_ratios", log_ratios, Shape("T *B N"))
    steps = Shape("T *B", tuple(own.shape[:-1]), "log_ratios")
    kept = booleans("boundaries", boundaries, steps) | booleans("resampled", resampled, steps)
    limit = positive("limit", limit)
    if actions not in ("others", "joint"):
        raise ValueError(f"actions must be others or joint; found {actions!r}")
    weights = bounded_exp(getattr(per_agent(own), actions), limit).expand(own.shape)
    following = torch.cat([weights[1:], torch.ones_like(weights[:1])])
    return following.masked_fill(kept[..., None], 1.0)
