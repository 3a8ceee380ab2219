"""Small Q-learners."""

import jax
import numpy as np
import pytest

from gpae.methods import Qmix, UpdateSettings
from gpae.networks import NetworkSettings
from gpae.training.q_learning import make_q_learner
from gpae.training.settings import RolloutSettings, WindowSettings


def small_q_learner(
    environment,
    method=None,
    *,
    core="gru",
    environments=4,
    steps=8,
    updates=6,
    discount=0.9,
    hidden_size=8,
    **update,
):
    """A Q-learner small enough to compile and run in seconds."""
    return make_q_learner(
        environment,
        method or small_qmix(),
        NetworkSettings(core=core, hidden_size=hidden_size, head_hidden=False, actor_agent_id=True),
        RolloutSettings(environments=environments, steps=steps),
        WindowSettings(),
        UpdateSettings(**{"epochs": 2, "anneal_learning_rate": False, **update}),
        discount=discount,
        total_env_steps=updates * environments * steps,
    )


def small_qmix(**settings):
    """QMIX with a small mixer, a small buffer and batches of four."""
    small = {
        "mixing_size": 4,
        "hypernetwork_size": 4,
        "mixer_scale": 1.0,
        "batch_size": 4,
        "buffer_size": 12,
        "learning_starts": 0,
    }
    return Qmix(**small | settings)


def noisy(shapes, seed, scale=0.5):
    """Random parameters of the given shapes, wilder than fresh ones."""
    random = np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: np.float32(scale * random.normal(size=leaf.shape)), shapes)


@pytest.fixture(scope="session")
def q_learner():
    return small_q_learner


@pytest.fixture(scope="session")
def qmix():
    return small_qmix


@pytest.fixture(scope="session")
def random_parameters():
    return noisy
