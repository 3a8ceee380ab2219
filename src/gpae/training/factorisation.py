"""Factorising small matrices on a CPU that others use too."""

from contextlib import AbstractContextManager

import scipy.linalg  # noqa: F401 -- what is loaded later would not be limited
from threadpoolctl import threadpool_limits


def in_one_thread() -> AbstractContextManager[object]:
    """While it is open, matrices are factorised, and otherwise treated by BLAS, in one thread.

    On a CPU, JAX factorises with SciPy's LAPACK, whose threads spin while they wait for each other.
    Where other processes want the cores, what is a blink for one thread takes many seconds for two.
    """
    return threadpool_limits(limits=1, user_api="blas")
