"""Methods by name: a method is one file with one registered class."""

from importlib import import_module
from pkgutil import iter_modules

from gpae.methods.batch import Batch, HiddenStates, Minibatch, Steps, Totals
from gpae.methods.coma import Coma
from gpae.methods.dae import Dae
from gpae.methods.evidence import Estimate, Evidence, NetworkEvidence, OwnActions
from gpae.methods.gpae import Gpae
from gpae.methods.ippo import Ippo
from gpae.methods.mappo import Mappo
from gpae.methods.method import METHODS, Method, Table1Row, register_method
from gpae.methods.networks import LearnedNetwork, Metrics, Outputs, ValueNetwork
from gpae.methods.policy_gradient import CorrectableBootstrap, PolicyGradientMethod
from gpae.methods.q_corrected import DecomposedCritic, QCorrected
from gpae.methods.q_learning import QLearningMethod
from gpae.methods.qmix import Qmix
from gpae.methods.settings import UpdateSettings
from gpae.methods.v_bootstrapped import VBootstrapped
from gpae.methods.vdn import Vdn

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

__all__ = [
    "METHODS",
    "Batch",
    "Coma",
    "CorrectableBootstrap",
    "Dae",
    "DecomposedCritic",
    "Estimate",
    "Evidence",
    "Gpae",
    "HiddenStates",
    "Ippo",
    "LearnedNetwork",
    "Mappo",
    "Method",
    "Metrics",
    "Minibatch",
    "NetworkEvidence",
    "Outputs",
    "OwnActions",
    "PolicyGradientMethod",
    "QCorrected",
    "QLearningMethod",
    "Qmix",
    "Steps",
    "Table1Row",
    "Totals",
    "UpdateSettings",
    "VBootstrapped",
    "ValueNetwork",
    "Vdn",
    "register_method",
]
