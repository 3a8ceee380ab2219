"""Advantage estimators for cooperative teams, as pure functions on JAX arrays.

Time is the leading axis, any number of batch axes follow, and agents are the last axis of per-agent
arrays. The functions can be jitted and mapped, keep the floating-point type of their arguments, and
return arrays without gradient. Equation numbers are those of "Generalized Per-Agent Advantage
Estimation for Multi-Agent Policy Optimization" (AAMAS 2026).

- Advantages: :func:`gpae` and, to compare with, :func:`gae`, :func:`coma` and :func:`dae`.
- Traces for data of an older policy: :func:`double_truncated_traces` (DT-ISR),
  :func:`joint_truncated_traces`, :func:`individual_truncated_traces` and
  :func:`uncorrected_traces`.
- Targets of the critic: :func:`value_targets`.
- Diagnostics: :func:`advantage_gap` and :func:`trace_distances`.

Two agents and two steps, the second of which terminates:

>>> import jax.numpy as jnp
>>> from gpae import estimators
>>> values = jnp.array([[0.5, 1.0], [1.0, 2.0]])
>>> next_values = jnp.array([[1.0, 2.0], [0.0, 0.0]])
>>> log_ratios = jnp.log(jnp.array([[1.0, 1.0], [0.5, 2.0]]))
>>> traces = estimators.double_truncated_traces(log_ratios, lambda_=0.5, eta=1.25)
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

from gpae.estimators.advantages import coma, dae, gae, gpae
from gpae.estimators.diagnostics import advantage_gap, trace_distances
from gpae.estimators.targets import value_targets
from gpae.estimators.traces import (
    double_truncated_traces,
    individual_truncated_traces,
    joint_truncated_traces,
    uncorrected_traces,
)

__all__ = [
    "advantage_gap",
    "coma",
    "dae",
    "double_truncated_traces",
    "gae",
    "gpae",
    "individual_truncated_traces",
    "joint_truncated_traces",
    "trace_distances",
    "uncorrected_traces",
    "value_targets",
]
