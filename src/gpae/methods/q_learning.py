"""Q-learning methods: the base class, with the settings of replay, exploration and targets."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from gpae.fields import fraction, positive, positive_fraction, whole
from gpae.methods.method import Method
from gpae.networks import Mixer

_JAXMARL_SETTINGS = {
    "network.hidden_size": 512,
    "network.layer_norm": False,
    "network.head_hidden": False,
    "network.actor_agent_id": True,
    "network.core": "gru",
    "rollout.environments": 16,
    "rollout.steps": 128,
    "update.epochs": 8,
    "update.learning_rate": 5e-5,
    "update.anneal_learning_rate": False,
    "update.adam_epsilon": 1e-8,
    "update.max_gradient_norm": 10.0,
    "discount": 0.99,
}
"""The settings of JaxMARL's recurrent QMIX and VDN for SMAX, which no preset changes."""


@dataclass
class QLearningMethod(Method, ABC):
    """Recurrent Q-learning from a replay buffer; the defaults are JaxMARL's for SMAX.

    Attributes:
        double_q: Let the online network choose the actions that the target network values.
        reward_scale: Factor of the rewards in the targets.
        buffer_size: Trajectories kept, of all environments together; each is one rollout of one
            environment.
        batch_size: Trajectories a gradient step learns from.
        learning_starts: Environment steps before the first gradient step.
        epsilon_start: Probability of a random action at the start of the run.
        epsilon_finish: The same from ``epsilon_decay`` on.
        epsilon_decay: The part of the run over which it falls, linearly from update to update.
        target_interval: Updates between two updates of the target networks.
        target_rate: The step of the target networks towards the online networks; 1 copies them.
    """

    double_q: bool = True
    reward_scale: float = positive(10.0)
    buffer_size: int = whole(5000, 1)
    batch_size: int = whole(32, 1)
    learning_starts: int = whole(10_000, 0)
    epsilon_start: float = fraction(1.0)
    epsilon_finish: float = fraction(0.05)
    epsilon_decay: float = fraction(0.1)
    target_interval: int = whole(10, 1)
    target_rate: float = positive_fraction(1.0)

    family: ClassVar[str] = "q_learning"
    defaults: ClassVar[Mapping[str, Any]] = _JAXMARL_SETTINGS
    unused_settings: ClassVar[frozenset[str]] = frozenset(
        {
            "window",
            "update.minibatches",
            "update.chunk",
            "update.clip",
            "update.value_clip",
            "update.huber_delta",
            "update.value_coefficient",
            "update.entropy_coefficient",
            "network.critic_embedding_size",
            "network.squash_actions",
        }
    )

    @property
    @abstractmethod
    def mixer(self) -> Mixer:
        """The mixer of the agents' values into the team's."""
