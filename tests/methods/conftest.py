"""Evidence with episodes that end both ways, on-policy or off."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Evidence, OwnActions

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, GAMMA = 9, 4, 3, 5, 0.9


@dataclasses.dataclass(frozen=True)
class NetworkValues:
    """Given values in the place of a network's."""

    values: jax.Array
    next_values: jax.Array
    own: OwnActions

    def own_actions(self, samples):
        return self.own


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
        "log_ratios": spread * random.normal(size=(*team, AGENTS)),
    }
    return Evidence(
        **{name: jnp.asarray(array, jnp.float32) for name, array in arrays.items()},
        boundaries=jnp.asarray(terminated | truncated),
        resampled=jnp.asarray(truncated | last),
        networks={
            "critic": random_network(random, (*team, values)),
            "reward_model": random_network(random, (*team, AGENTS)),
            "state_critic": random_network(random, (*team, 1)),
        },
    )


def random_network(random, shape):
    """Random values of steps, of their successors and of every own action."""
    return NetworkValues(
        values=jnp.asarray(random.normal(size=shape), jnp.float32),
        next_values=jnp.asarray(random.normal(size=shape), jnp.float32),
        own=random_own_actions(random, (*shape[:-1], AGENTS)),
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


@pytest.fixture
def with_critic():
    """A function that gives evidence with other values of its critic."""

    def replaced(evidence, **arrays):
        critic = dataclasses.replace(evidence.networks["critic"], **arrays)
        return dataclasses.replace(evidence, networks={**evidence.networks, "critic": critic})

    return replaced
