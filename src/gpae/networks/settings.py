"""The shape of the networks, as a run's configuration gives it."""

from dataclasses import dataclass

from gpae.fields import choice, whole

NETWORK_KINDS = ("recurrent", "feedforward")


@dataclass(unsafe_hash=True)
class NetworkSettings:
    """Sizes and options shared by actor and critic.

    Attributes:
        kind: ``recurrent`` puts a GRU between the first and the last layers, ``feedforward`` a
            dense layer.
        hidden_size: Width of every hidden layer and of the GRU.
        layer_norm: Layer normalisation of the inputs and after every hidden activation.
        head_hidden: Whether one more hidden layer stands between the core and the output.
        critic_embedding_size: Width of the critic's two separate embeddings of state and joint
            action, which a dense layer then joins; 0 reads both with one dense layer of
            ``hidden_size``.
        actor_agent_id: Whether the actor is told which agent it acts for.
        squash_actions: Whether real-numbered actions are squashed into their bounds by a hyperbolic
            tangent; else they are clipped. Discrete actions know neither.
    """

    kind: str = choice("recurrent", NETWORK_KINDS)
    hidden_size: int = whole(128, 1)
    layer_norm: bool = False
    head_hidden: bool = True
    critic_embedding_size: int = whole(0, 0)
    actor_agent_id: bool = False
    squash_actions: bool = False
