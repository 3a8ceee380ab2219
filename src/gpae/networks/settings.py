"""The shape of the networks, as a run's configuration gives it."""

from dataclasses import dataclass, fields
from typing import Any

from gpae.fields import choice, whole
from gpae.networks.registries import CORES, ENCODERS

ImageShape = tuple[int, ...] | None
"""``(H, W, C)`` of an image, ``(K, H, W, C)`` of K images in a row, None of a vector."""


@dataclass(unsafe_hash=True)
class NetworkSettings:
    """Sizes and options shared by actor and critic.

    Attributes:
        core: The layer between encoder and head, which may have a hidden state: ``gru``, ``lstm``,
            or ``feedforward``, a dense layer.
        encoder: The first layers over observations and state: ``mlp`` is a dense layer, and ``cnn``
            has convolutions before it where they are images.
        channels: Width of the convolutions of ``cnn``.
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
    channels: int = whole(32, 1)
    hidden_size: int = whole(128, 1)
    layer_norm: bool = False
    head_hidden: bool = True
    critic_embedding_size: int = whole(0, 0)
    critic_actions: str = choice("joint", ("joint", "attention"))
    actor_agent_id: bool = False
    share_parameters: bool = True
    squash_actions: bool = False

    def image_shape(self, seen: str) -> ImageShape:
        """The shape of the images that an encoder is given; here it is given vectors.

        Args:
            seen: ``observation`` or ``state``.
        """
        return None

    def on(self, observation_shape: ImageShape, state_shape: ImageShape) -> "NetworkSettings":
        """The settings of networks that are given images of these shapes, or vectors."""
        if observation_shape is None and state_shape is None:
            return self
        plain: dict[str, Any] = {
            each.name: getattr(self, each.name) for each in fields(NetworkSettings)
        }
        return ImageNetworkSettings(
            **plain, observation_shape=observation_shape, state_shape=state_shape
        )


@dataclass(unsafe_hash=True)
class ImageNetworkSettings(NetworkSettings):
    """Settings of networks that are given images, which the environment's spec describes.

    Attributes:
        observation_shape: The shape of an agent's observation.
        state_shape: The shape of the global state.
    """

    observation_shape: ImageShape = None
    state_shape: ImageShape = None

    def image_shape(self, seen: str) -> ImageShape:
        """The shape of an agent's observation, or of the global state."""
        return {"observation": self.observation_shape, "state": self.state_shape}[seen]
