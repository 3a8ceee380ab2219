"""Advantage estimators for cooperative teams, as pure functions on JAX arrays.

Time is the leading axis, any number of batch axes follow, and agents are the last axis of per-agent
arrays. The functions can be jitted and mapped, keep the floating-point type of their arguments, and
return arrays without gradient. Equation numbers are those of "Generalized Per-Agent Advantage
Estimation for Multi-Agent Policy Optimization" (AAMAS 2026).

- Advantages: :func:`gpae` and, to compare with, :func:`gae`, :func:`coma` and :func:`dae`.
- Advantages of this library's own, not the paper's: :func:`v_bootstrapped` and :func:`q_corrected`,
  the latter with the values of a decomposed critic, :func:`decomposed_values`.
- Traces for data of an older policy: :func:`traces` by the name of a scheme, or one function each:
  :func:`double_truncated_traces` (DT-ISR), :func:`joint_truncated_traces`,
  :func:`individual_truncated_traces`, :func:`inner_truncated_traces`, :func:`untruncated_traces`
  and :func:`uncorrected_traces`. :data:`TRACE_SCHEMES` holds the schemes, and
  :func:`register_trace_scheme` adds one.
- The bootstrap's correction for such data: :func:`bootstrap_weights`.
- Targets of the critic: :func:`value_targets`.
- Diagnostics: :func:`advantage_gap` and :func:`trace_distances`.

Two agents and two steps, the second of which terminates:

>>> import jax.numpy as jnp
>>> from gpae import estimators
>>> values = jnp.array([[0.5, 1.0], [1.0, 2.0]])
>>> next_values = jnp.array([[1.0, 2.0], [0.0, 0.0]])
>>> log_ratios = jnp.log(jnp.array([[1.0, 1.0], [0.5, 2.0]]))
>>> traces = estimators.traces("double", log_ratios, lambda_=0.5, eta=1.25)
>>> print(traces)
[[0.5    0.5   ]
 [0.3125 0.5   ]]
>>> advantages = estimators.gpae(
...     rewards=jnp.array([1.0, 3.0]),
...     values=values,
...     next_values=next_values,
...     discounts=jnp.array([0.5, 0.0]),
...     boundaries=jnp.array([False, True]),
...     traces=traces,
... )
>>> print(advantages)
[[1.3125 1.25  ]
 [2.     1.    ]]
>>> print(estimators.value_targets(values, advantages, log_ratios))
[[1.8125 2.25  ]
 [2.     3.    ]]
"""

from gpae.estimators._ratios import LogRatios
from gpae.estimators.advantages import coma, dae, gae, gpae
from gpae.estimators.control_variates import decomposed_values, q_corrected, v_bootstrapped
from gpae.estimators.diagnostics import advantage_gap, trace_distances
from gpae.estimators.off_policy import (
    bootstrap_weights,
    double_truncated_traces,
    individual_truncated_traces,
    inner_truncated_traces,
    joint_truncated_traces,
    traces,
    uncorrected_traces,
    untruncated_traces,
)
from gpae.estimators.targets import value_targets
from gpae.estimators.trace_schemes import (
    BOOTSTRAPS,
    DEFAULT_ETA,
    TRACE_SCHEMES,
    Bootstrap,
    TraceScheme,
    find_trace_scheme,
    register_trace_scheme,
)

__all__ = [
    "BOOTSTRAPS",
    "DEFAULT_ETA",
    "TRACE_SCHEMES",
    "Bootstrap",
    "LogRatios",
    "TraceScheme",
    "advantage_gap",
    "bootstrap_weights",
    "coma",
    "dae",
    "decomposed_values",
    "double_truncated_traces",
    "find_trace_scheme",
    "gae",
    "gpae",
    "individual_truncated_traces",
    "inner_truncated_traces",
    "joint_truncated_traces",
    "q_corrected",
    "register_trace_scheme",
    "trace_distances",
    "traces",
    "uncorrected_traces",
    "untruncated_traces",
    "v_bootstrapped",
    "value_targets",
]
