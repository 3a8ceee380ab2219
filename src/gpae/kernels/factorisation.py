"""Threads of BLAS while small matrices are factorised."""

from contextlib import AbstractContextManager, nullcontext

from gpae.kernels.kernel import kernel


@kernel
def in_one_thread() -> AbstractContextManager[object]:
    """A context in which matrices are factorised; nothing changes while it is open."""
    return nullcontext()


@in_one_thread.fast("cpu")
def _in_one_blas_thread() -> AbstractContextManager[object]:
    """A context in which BLAS, of this process, uses one thread.

    JAX factorises on a CPU with SciPy's LAPACK, whose threads spin while they wait for each other.
    Where other processes want the cores, what is a blink for one thread takes many seconds for two:
    https://github.com/OpenMathLib/OpenBLAS/issues/5517, seen with SciPy 1.17 and jaxlib 0.10.2. It
    goes when that is closed in the OpenBLAS of the oldest SciPy supported.
    """
    import scipy.linalg  # noqa: F401 -- what is loaded later would not be limited
    from threadpoolctl import threadpool_limits

    return threadpool_limits(limits=1, user_api="blas")
