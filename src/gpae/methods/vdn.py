"""VDN: the team's action value is the sum of the agents'."""

from dataclasses import dataclass

from gpae.methods.method import Properties
from gpae.methods.q_learning import QLearning
from gpae.networks import SumMixer

PROPERTIES = Properties(
    credit="implicit",
    off_policy=True,
    additional_bias=None,
    source="Sunehag et al., AAMAS 2018",
    note="no advantages: Q-learning, exact only for values that are sums over agents",
)


@dataclass
class Vdn(QLearning):
    """Value decomposition networks."""

    name: str = "vdn"

    @property
    def mixer(self) -> SumMixer:
        """The sum."""
        return SumMixer()
