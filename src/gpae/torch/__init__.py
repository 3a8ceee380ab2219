"""The estimators of :mod:`gpae.estimators` on PyTorch tensors, by the same names.

Arguments, shapes, units and errors are those of the functions of the same name there; wherever that
says array, a tensor is taken and returned, on the device and of the floating-point type of its
arguments, as PyTorch promotes them. As there, results carry no gradient: they are detached, and
nothing of their computation is recorded.

- Advantages: :func:`gpae`, :func:`gae`, :func:`coma`, :func:`dae`, and this library's own
  :func:`v_bootstrapped` and :func:`q_corrected` with :func:`decomposed_values`.
- Off-policy: :func:`traces` by the name of a scheme, also of one registered with
  :func:`gpae.estimators.register_trace_scheme`, or one function each; :func:`bootstrap_weights`.
- Targets and diagnostics: :func:`value_targets`, :func:`advantage_gap`, :func:`trace_distances`.

It needs PyTorch, ``pip install 'gpae[torch]'``:

>>> import torch
>>> import gpae.torch
>>> gpae.torch.gae(
...     rewards=torch.tensor([1.0, 3.0]),
...     values=torch.tensor([0.5, 1.0]),
...     next_values=torch.tensor([1.0, 0.0]),
...     discounts=torch.tensor([0.5, 0.0]),
...     boundaries=torch.tensor([False, True]),
...     lambda_=0.5,
... )
tensor([1.5000, 2.0000])
"""

from gpae.errors import UserError
from gpae.extras import missing_extras

try:
    with missing_extras("gpae.torch"):
        import torch as _torch  # noqa: F401
except UserError as error:
    raise ModuleNotFoundError(str(error), name="torch") from error

from gpae.torch.advantages import coma, dae, gae, gpae
from gpae.torch.control_variates import decomposed_values, q_corrected, v_bootstrapped
from gpae.torch.diagnostics import advantage_gap, trace_distances
from gpae.torch.off_policy import (
    bootstrap_weights,
    double_truncated_traces,
    individual_truncated_traces,
    inner_truncated_traces,
    joint_truncated_traces,
    traces,
    uncorrected_traces,
    untruncated_traces,
)
from gpae.torch.targets import value_targets

__all__ = [
    "advantage_gap",
    "bootstrap_weights",
    "coma",
    "dae",
    "decomposed_values",
    "double_truncated_traces",
    "gae",
    "gpae",
    "individual_truncated_traces",
    "inner_truncated_traces",
    "joint_truncated_traces",
    "q_corrected",
    "trace_distances",
    "traces",
    "uncorrected_traces",
    "untruncated_traces",
    "v_bootstrapped",
    "value_targets",
]
