"""VDN: the team's action value is the sum of the agents'."""

from dataclasses import dataclass
from typing import ClassVar

from gpae.methods.method import Table1Row, register_method
from gpae.methods.q_learning import QLearningMethod
from gpae.networks import SumMixer


@register_method
@dataclass
class Vdn(QLearningMethod):
    """Value decomposition networks."""

    name: str = "vdn"

    table1: ClassVar[Table1Row] = Table1Row(
        credit="implicit",
        off_policy=True,
        additional_bias=None,
        source="Sunehag et al., AAMAS 2018",
        note="no advantages: Q-learning, exact only for values that are sums over agents",
    )

    @property
    def mixer(self) -> SumMixer:
        """The sum."""
        return SumMixer()
