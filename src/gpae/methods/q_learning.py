"""What the Q-learning methods have in common: replay, exploration and targets."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from gpae.networks import Mixer


@dataclass
class QLearning(ABC):
    """Recurrent Q-learning from a replay buffer; the defaults are JaxMARL's for SMAX.

    Attributes:
        double_q: Let the online network choose the actions that the target network values.
        reward_scale: What rewards are multiplied by before anything is learned from them.
        buffer_size: Trajectories kept, of all environments together; each is one rollout of one
            environment.
        batch_size: Trajectories a gradient step learns from.
        learning_starts: Environment steps before the first gradient step.
        epsilon_start: Probability of a random action at the start of the run.
        epsilon_finish: The same from ``epsilon_decay`` on.
        epsilon_decay: The part of the run over which it falls, linearly from update to update.
        target_interval: Updates between two updates of the target networks.
        target_rate: How far these then move towards the online networks; 1 copies them.
    """

    double_q: bool = True
    reward_scale: float = 10.0
    buffer_size: int = 5000
    batch_size: int = 32
    learning_starts: int = 10_000
    epsilon_start: float = 1.0
    epsilon_finish: float = 0.05
    epsilon_decay: float = 0.1
    target_interval: int = 10
    target_rate: float = 1.0

    @property
    @abstractmethod
    def mixer(self) -> Mixer:
        """How the agents' values become the team's."""
