"""The shape of the networks, as a run's configuration gives it."""

from dataclasses import dataclass

from gpae.fields import choice, whole
from gpae.networks.registries import CORES, ENCODERS


@dataclass(unsafe_hash=True)
class NetworkSettings:
    """Sizes and options shared by actor and critic.

    Attributes:
        core: The layer between encoder and head, which may have a hidden state: ``gru``, ``lstm``,
            or ``feedforward``, a dense layer.
        encoder: The first layer over observations and state: ``mlp`` is a dense layer.
        hidden_size: Width of every hidden layer and of the hidden state.
        layer_norm: Layer normalisation of the inputs and after every hidden activation.
        head_hidden: Whether one more hidden layer stands between the core and the output.
        critic_embedding_size: Width of the critic's two separate embeddings of state and joint
            action, which a dense layer then joins; 0 adds both up in one layer of ``hidden_size``.
        critic_actions: Layer over the joint action in a critic of the others' actions: ``joint`` is
            dense, with weights of each agent's own; ``attention`` lets every action meet the
            observation of the agent that takes it, and needs shared parameters.
        actor_agent_id: Whether the actor gets an agent id; without shared parameters it needs
            none.
        share_parameters: Whether all agents have the same parameters, or each its own in the actor,
            the Q-network and a critic of each agent; a team value has one network anyway.
        squash_actions: Whether continuous actions are squashed into their bounds by a hyperbolic
            tangent; else they are clipped. Discrete actions know neither.
    """

    core: str = choice("gru", CORES)
    encoder: str = choice("mlp", ENCODERS)
    hidden_size: int = whole(128, 1)
    layer_norm: bool = False
    head_hidden: bool = True
    critic_embedding_size: int = whole(0, 0)
    critic_actions: str = choice("joint", ("joint", "attention"))
    actor_agent_id: bool = False
    share_parameters: bool = True
    squash_actions: bool = False
