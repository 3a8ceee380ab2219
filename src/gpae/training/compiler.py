"""What the compiler of a whole phase, or of many updates, is told."""

import os
from functools import cache

import jax

_LIBRARY_FUSION = "xla_cpu_experimental_ynn_fusion_type"


@cache
def compiler_options() -> dict[str, str]:
    """The options of a program that trains or evaluates, for ``jax.jit``.

    On a CPU, XLA hands small reductions, such as SMAX's distances between units, to a library whose
    call costs more than the reduction where one device has several cores (``docs/performance.md``).
    It is told to keep them. Nothing is said where ``XLA_FLAGS`` says it, or to an XLA without the
    option.
    """
    if _LIBRARY_FUSION in os.environ.get("XLA_FLAGS", ""):
        return {}
    options = {_LIBRARY_FUSION: ""}
    try:
        jax.jit(lambda: 0, compiler_options=options).lower().compile()
    except jax.errors.JaxRuntimeError:
        return {}
    return options
