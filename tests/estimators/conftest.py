"""Random windows of experience, and 64-bit arithmetic where a test asks for it."""

from collections.abc import Callable, Iterator

import jax
import numpy as np
import pytest

Window = dict[str, np.ndarray]
MakeWindow = Callable[..., Window]


def random_window(steps: int, batch: tuple[int, ...], agents: int, seed: int) -> Window:
    rng = np.random.default_rng(seed)
    team, individual = (steps, *batch), (steps, *batch, agents)
    terminated = rng.random(team) < 0.2
    truncated = rng.random(team) < 0.2
    return {
        "rewards": rng.normal(size=team),
        "values": rng.normal(size=individual),
        "next_values": rng.normal(size=individual),
        "discounts": np.where(terminated, 0.0, 0.9),
        "boundaries": terminated | truncated,
        "log_ratios": 0.7 * rng.normal(size=individual),
        "expected_rewards": rng.normal(size=individual),
        "bootstrap_weights": np.exp(0.5 * rng.normal(size=individual)),
    }


@pytest.fixture(scope="session")
def make_window() -> MakeWindow:
    """A function from (steps, batch, agents, seed) to a window in which episodes end both ways."""
    return random_window


@pytest.fixture
def float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield
