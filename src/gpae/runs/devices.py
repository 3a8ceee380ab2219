"""Set-up of JAX before it starts: virtual devices on a CPU, and a cache of compiled programs."""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

_SHARDY_CRASHES = (0, 11)
"""First JAX whose Shardy partitioner crashes as it compiles brax's step for several CPU devices.

Seen with jaxlib 0.11.2 and brax 0.14.2, `tests/matrix/test_methods_on_mabrax.py`; no upstream issue
is known. It can go when these tests pass without.
"""


def prepare_jax(devices: int = 0, runs: int = 1, task: str = "") -> None:
    """Give a CPU one virtual device a core, and keep compiled programs between processes.

    From then on, random bits are compiled for a CPU as :mod:`gpae.kernels.random_bits` says, where
    the JAX that is installed lets them. What else is set already, in JAX's configuration or by
    ``XLA_FLAGS``, ``JAX_NUM_CPU_DEVICES`` or ``JAX_COMPILATION_CACHE_DIR``, stays as it is; so do
    the devices of a JAX that has started. From JAX 0.11 on, GSPMD partitions MABrax's programs.

    Args:
        devices: Over how many virtual devices a run is to be split; 0 for one a core.
        runs: How many runs are made together: several use all cores at least.
        task: The task's name.
    """
    import jax

    with suppress(ImportError, AttributeError):
        from gpae.kernels.random_bits import compile_random_bits_for_cpu

        compile_random_bits_for_cpu()
    config: Any = jax.config
    flags = os.environ.get("XLA_FLAGS", "")
    if config.jax_num_cpu_devices < 0 and "host_platform_device_count" not in flags:
        with suppress(RuntimeError):
            exactly = devices and runs == 1
            config.update("jax_num_cpu_devices", devices if exactly else max(devices, _cores()))
    if task.startswith("mabrax/") and jax.__version_info__ >= _SHARDY_CRASHES:
        config.update("jax_use_shardy_partitioner", False)
    cache = cache_folder()
    if config.jax_compilation_cache_dir is None and cache is not None:
        config.update("jax_compilation_cache_dir", str(cache))


def cache_folder() -> Path | None:
    """The folder of compiled programs, ``gpae`` in the user's cache folder.

    It is made where it does not exist; None where it cannot be made or written.
    """
    try:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        folder = Path(base) / "gpae" / "xla"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return folder if os.access(folder, os.W_OK) else None


def _cores() -> int:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
