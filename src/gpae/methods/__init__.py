"""Methods by name. A method is one file with a class and its properties, and one preset."""

from gpae.methods.gpae import PROPERTIES as GPAE_PROPERTIES
from gpae.methods.gpae import Gpae
from gpae.methods.mappo import PROPERTIES as MAPPO_PROPERTIES
from gpae.methods.mappo import Mappo
from gpae.methods.method import Estimate, Evidence, Method, Properties
from gpae.methods.off_policy import BOOTSTRAPS, TRACE_SCHEMES, OffPolicyCorrection

METHODS: dict[str, type[Gpae] | type[Mappo]] = {"gpae": Gpae, "mappo": Mappo}
METHOD_PROPERTIES: dict[str, Properties] = {"gpae": GPAE_PROPERTIES, "mappo": MAPPO_PROPERTIES}

__all__ = [
    "BOOTSTRAPS",
    "METHODS",
    "METHOD_PROPERTIES",
    "TRACE_SCHEMES",
    "Estimate",
    "Evidence",
    "Gpae",
    "Mappo",
    "Method",
    "OffPolicyCorrection",
    "Properties",
]
