"""The registries of cores and encoders, which settings choose from by name."""

from typing import TYPE_CHECKING

from gpae.registry import Registry

if TYPE_CHECKING:
    from gpae.networks.cores.core import Core
    from gpae.networks.encoders.encoder import Encoder

CORES: "Registry[type[Core]]" = Registry("network.core", entry_points="gpae.cores")
"""The cores by name."""

ENCODERS: "Registry[type[Encoder]]" = Registry("network.encoder", entry_points="gpae.encoders")
"""The encoders by name."""
