"""An encoder of one's own, and the whole command line with it.

    python examples/own_encoder.py                                          trains GPAE with it
    python examples/own_encoder.py train task=mine/meeting network.encoder=ring total_env_steps=2e4

The two agents of own_environment.py, which registers their task, live on a ring: a convolution
around it does not need to learn for every place anew that a neighbour is near.
"""

import sys

import flax.linen as nn
from own_environment import PLACES, SETTINGS

from gpae.cli import main
from gpae.networks import Encoder, register_encoder


@register_encoder("ring")
class Ring(Encoder):
    @nn.compact
    def __call__(self, inputs):  # [*b, 2 * PLACES], one's own place and the other's
        ring = inputs.reshape(*inputs.shape[:-1], 2, PLACES).swapaxes(-1, -2)
        features = nn.relu(nn.Conv(8, kernel_size=(3,), padding="CIRCULAR")(ring))
        return nn.Dense(self.size)(features.reshape(*inputs.shape[:-1], -1))  # [*b, size]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or [*SETTINGS.split(), "network.encoder=ring"]))
