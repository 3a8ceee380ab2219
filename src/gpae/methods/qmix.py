"""QMIX: the team's action value is a monotonic function of the agents', made from the state."""

from dataclasses import dataclass

from gpae.methods.method import Properties
from gpae.methods.q_learning import QLearning
from gpae.networks import MonotonicMixer

PROPERTIES = Properties(
    credit="implicit",
    off_policy=True,
    additional_bias=None,
    source="Rashid et al., ICML 2018",
    note="no advantages: Q-learning, exact only for values monotonic in every agent's",
)


@dataclass
class Qmix(QLearning):
    """Monotonic value function factorisation.

    Attributes:
        mixing_size: Width of the mixing network's hidden layer.
        hypernetwork_size: Width of the hidden layer of the networks that make its weights.
        mixer_scale: Scale of the mixer's layers at the start.
    """

    name: str = "qmix"
    mixing_size: int = 64
    hypernetwork_size: int = 256
    mixer_scale: float = 0.001

    @property
    def mixer(self) -> MonotonicMixer:
        """The monotonic mixing network."""
        return MonotonicMixer(self.mixing_size, self.hypernetwork_size, self.mixer_scale)
