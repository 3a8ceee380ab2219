"""Options of the compiler for programs that train or evaluate."""

import os
from functools import cache

import jax

from gpae.kernels.kernel import kernel

_LIBRARY_FUSION = "xla_cpu_experimental_ynn_fusion_type"


@kernel
def compiler_options() -> dict[str, str]:
    """The options of a program that trains or evaluates, for ``jax.jit``: none."""
    return {}


@compiler_options.fast("cpu")
@cache
def _without_library_fusion() -> dict[str, str]:
    """Small reductions kept out of YNNPACK.

    XLA hands small reductions, such as SMAX's distances between units, to a library whose call
    costs more than the reduction where one device has several cores (``docs/performance.md``); see
    https://github.com/jax-ml/jax/issues/37465 and https://github.com/openxla/xla/issues/46351, seen
    with jaxlib 0.10.2. Nothing is said where ``XLA_FLAGS`` says it, or to an XLA without the
    option. It goes when ``benchmarks/compiler.py`` finds the default as fast.
    """
    if _LIBRARY_FUSION in os.environ.get("XLA_FLAGS", ""):
        return {}
    options = {_LIBRARY_FUSION: ""}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return options
