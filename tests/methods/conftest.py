"""Evidence with episodes that end both ways, on-policy or off."""

import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Evidence, OwnActions

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, GAMMA = 9, 4, 3, 5, 0.9


def random_evidence(values=AGENTS, spread=0.0, seed=0):
    """Random evidence with ``values`` critic values a state and log-ratios of the given spread."""
    random = np.random.default_rng(seed)
    team = (STEPS, ENVIRONMENTS)
    terminated = random.random(team) < 0.15
    truncated = ~terminated & (random.random(team) < 0.15)
    last = np.arange(STEPS)[:, None] == STEPS - 1
    assert terminated[:-1].any()
    assert truncated[:-1].any()
    arrays = {
        "rewards": random.normal(size=team),
        "discounts": np.where(terminated, 0.0, GAMMA),
        "values": random.normal(size=(*team, values)),
        "next_values": random.normal(size=(*team, values)),
        "log_ratios": spread * random.normal(size=(*team, AGENTS)),
        "expected_rewards": random.normal(size=(*team, AGENTS)),
    }
    return Evidence(
        **{name: jnp.asarray(array, jnp.float32) for name, array in arrays.items()},
        boundaries=jnp.asarray(terminated | truncated),
        resampled=jnp.asarray(truncated | last),
        own_actions=random_own_actions(random, (*team, AGENTS)),
    )


def random_own_actions(random, shape):
    """Random values and probabilities of every own action, and random actions taken."""
    return OwnActions(
        values=jnp.asarray(random.normal(size=(*shape, ACTIONS)), jnp.float32),
        probabilities=jnp.asarray(random.dirichlet(np.ones(ACTIONS), size=shape), jnp.float32),
        taken=jnp.asarray(random.integers(ACTIONS, size=shape)),
    )


def advantages_step_by_step(evidence, coefficients, weights):
    """Eq. 7 in plain loops of 64-bit numbers, ``coefficients`` with lambda in them."""
    arrays = {
        name: np.asarray(getattr(evidence, name), np.float64)
        for name in ("rewards", "discounts", "boundaries", "values", "next_values")
    }
    coefficients, weights = np.asarray(coefficients), np.asarray(weights)
    advantages = np.zeros(coefficients.shape)
    for t, e, i in np.ndindex(coefficients.shape):
        t = STEPS - 1 - t
        value = min(i, arrays["values"].shape[-1] - 1)
        discount = arrays["discounts"][t, e]
        bootstrap = weights[t, e, i] * arrays["next_values"][t, e, value]
        error = arrays["rewards"][t, e] + discount * bootstrap - arrays["values"][t, e, value]
        carried = 0.0
        if t < STEPS - 1 and not arrays["boundaries"][t, e]:
            carried = discount * coefficients[t + 1, e, i] * advantages[t + 1, e, i]
        advantages[t, e, i] = error + carried
    return advantages


@pytest.fixture
def evidence():
    return random_evidence


@pytest.fixture
def step_by_step():
    return advantages_step_by_step
