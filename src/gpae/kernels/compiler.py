"""Options of the compiler for programs that train or evaluate."""

import os
from functools import cache

import jax

from gpae.kernels.kernel import kernel

_LIBRARY_FUSION = "xla_cpu_experimental_ynn_fusion_type"
_COMMANDS = "FUSION,CUBLAS,CUBLASLT,CUDNN,CUSTOM_CALL,DYNAMIC_SLICE_FUSION,CONDITIONAL,WHILE"


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
    with jaxlib 0.10.2. It goes when ``benchmarks/compiler.py`` finds the default as fast.
    """
    return _accepted({_LIBRARY_FUSION: ""})


@compiler_options.fast("gpu")
@cache
def _loops_as_graphs() -> dict[str, str]:
    """Loops recorded as CUDA graphs, whose independent kernels run side by side.

    A step of an environment is hundreds of small kernels, each faster computed than launched. It is
    a choice of XLA's, no upstream workaround; ``python -m benchmarks.gpu`` compares it with XLA's
    defaults.
    """
    return _accepted(
        {
            "xla_gpu_enable_command_buffer": _COMMANDS,
            "xla_gpu_command_buffer_scheduling_mode": "CONCURRENT",
        }
    )


def _accepted(options: dict[str, str]) -> dict[str, str]:
    """Those of the options that this XLA knows and ``XLA_FLAGS`` does not set."""
    flags = os.environ.get("XLA_FLAGS", "")
    return {
        name: value for name, value in options.items() if name not in flags and _known(name, value)
    }


def _known(name: str, value: str) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
