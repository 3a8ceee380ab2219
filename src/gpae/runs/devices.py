"""Setting up JAX before it starts: virtual devices on a CPU, and a compilation cache that lasts."""

import os
from pathlib import Path


def prepare_jax() -> None:
    """Give a CPU one virtual device a core, and keep compiled programs between processes.

    Must run before JAX touches a device. What the user has set in ``XLA_FLAGS``,
    ``JAX_NUM_CPU_DEVICES`` or ``JAX_COMPILATION_CACHE_DIR`` stays as it is.
    """
    import jax

    flags = os.environ.get("XLA_FLAGS", "")
    if "JAX_NUM_CPU_DEVICES" not in os.environ and "host_platform_device_count" not in flags:
        jax.config.update("jax_num_cpu_devices", len(os.sched_getaffinity(0)))
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        jax.config.update("jax_compilation_cache_dir", str(cache_folder()))


def cache_folder() -> Path:
    """Where compiled programs are kept: ``gpae`` in the user's cache folder."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "gpae" / "xla"
