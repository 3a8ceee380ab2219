"""Methods by name. A method is one file with a class and its properties, and one preset."""

from typing import Any

from gpae.methods.coma import PROPERTIES as COMA_PROPERTIES
from gpae.methods.coma import Coma
from gpae.methods.dae import PROPERTIES as DAE_PROPERTIES
from gpae.methods.dae import Dae
from gpae.methods.gpae import PROPERTIES as GPAE_PROPERTIES
from gpae.methods.gpae import Gpae
from gpae.methods.ippo import PROPERTIES as IPPO_PROPERTIES
from gpae.methods.ippo import Ippo
from gpae.methods.mappo import PROPERTIES as MAPPO_PROPERTIES
from gpae.methods.mappo import Mappo
from gpae.methods.method import Estimate, Evidence, Method, OwnActions, Properties
from gpae.methods.off_policy import OffPolicyCorrection
from gpae.methods.q_learning import QLearning
from gpae.methods.qmix import PROPERTIES as QMIX_PROPERTIES
from gpae.methods.qmix import Qmix
from gpae.methods.vdn import PROPERTIES as VDN_PROPERTIES
from gpae.methods.vdn import Vdn

METHODS: dict[str, type[Any]] = {
    "gpae": Gpae,
    "mappo": Mappo,
    "ippo": Ippo,
    "dae": Dae,
    "coma": Coma,
    "qmix": Qmix,
    "vdn": Vdn,
}
Q_METHODS = tuple(name for name, method in METHODS.items() if issubclass(method, QLearning))
METHOD_PROPERTIES: dict[str, Properties] = {
    "gpae": GPAE_PROPERTIES,
    "mappo": MAPPO_PROPERTIES,
    "ippo": IPPO_PROPERTIES,
    "dae": DAE_PROPERTIES,
    "coma": COMA_PROPERTIES,
    "qmix": QMIX_PROPERTIES,
    "vdn": VDN_PROPERTIES,
}

__all__ = [
    "METHODS",
    "METHOD_PROPERTIES",
    "Q_METHODS",
    "Coma",
    "Dae",
    "Estimate",
    "Evidence",
    "Gpae",
    "Ippo",
    "Mappo",
    "Method",
    "OffPolicyCorrection",
    "OwnActions",
    "Properties",
    "QLearning",
    "Qmix",
    "Vdn",
]
