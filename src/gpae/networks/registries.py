"""The registries of cores and encoders, which settings choose from by name."""

from typing import Any

from gpae.registry import Registry

CORES: Registry[Any] = Registry("network.core", entry_points="gpae.cores")
"""The cores, subclasses of :class:`gpae.networks.cores.Core`, by name."""

ENCODERS: Registry[Any] = Registry("network.encoder", entry_points="gpae.encoders")
"""The encoders, subclasses of :class:`gpae.networks.encoders.Encoder`, by name."""
