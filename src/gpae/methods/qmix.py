"""QMIX: the team's action value is a monotonic function of the agents', made from the state."""

from dataclasses import dataclass
from typing import ClassVar

from gpae.fields import positive, whole
from gpae.methods.method import Table1Row, register_method
from gpae.methods.q_learning import QLearningMethod
from gpae.networks import MonotonicMixer


@register_method
@dataclass
class Qmix(QLearningMethod):
    """Monotonic value function factorisation.

    Attributes:
        mixing_size: Width of the mixing network's hidden layer.
        hypernetwork_size: Width of the hidden layer of the networks that make its weights.
        mixer_scale: Scale of the mixer's layers at the start.
    """

    name: str = "qmix"
    mixing_size: int = whole(64, 1)
    hypernetwork_size: int = whole(256, 1)
    mixer_scale: float = positive(0.001, static=True)

    table1: ClassVar[Table1Row] = Table1Row(
        credit="implicit",
        off_policy=True,
        additional_bias=None,
        source="Rashid et al., ICML 2018",
        note="no advantages: Q-learning, exact only for values monotonic in every agent's",
    )

    @property
    def mixer(self) -> MonotonicMixer:
        """The monotonic mixing network."""
        return MonotonicMixer(self.mixing_size, self.hypernetwork_size, self.mixer_scale)
