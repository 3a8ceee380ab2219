"""A small game with a picture, an untrained policy for it, and episodes that it has played."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, ForcedStop, Observation, Step
from gpae.episodes import record_episodes
from gpae.networks import Actor, NetworkSettings, initial_hidden_state
from gpae.training.episode_play import EpisodePlayer
from gpae.training.evaluation import Evaluator

AGENTS, PLACES, LIMIT = 2, 4, 9
NETWORK = NetworkSettings(hidden_size=8)
ACTOR = Actor(NETWORK, DiscreteActions(3))
COUNT, SEED, COUNTER = 6, 3, 5
GREEN, RED = (0, 160, 0), (200, 0, 0)


@dataclass(frozen=True)
class Rails:
    """Two agents on rails of four places; an episode ends by chance, or after nine steps.

    Agents die when they leave the last place, and are paid for the places they stand on.
    """

    limit: int | None = LIMIT
    chance: float = 0.15
    agent_rewards: bool = False

    @property
    def spec(self):
        space, metrics = DiscreteActions(3), ("far",)
        return EnvironmentSpec(
            "toy/rails", AGENTS, 3, 5, space, self.limit, metrics, self.agent_rewards
        )

    def reset(self, key):
        places = jax.random.randint(key, (AGENTS,), 0, PLACES)
        state = {"time": jnp.int32(0), "places": places, "alive": jnp.ones(AGENTS, bool)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        end_key, pay_key = jax.random.split(key)
        moved = state["places"] + jnp.where(state["alive"], actions - 1, 0)
        alive = state["alive"] & (moved < PLACES)
        time = state["time"] + 1
        state = {"time": time, "places": moved.clip(0, PLACES - 1), "alive": alive}
        terminated = jax.random.bernoulli(end_key, self.chance) | ~alive.any()
        far = state["places"].mean(dtype=jnp.float32)
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=far * jax.random.uniform(pay_key, (AGENTS,) if self.agent_rewards else ()),
            terminated=terminated,
            truncated=~terminated & (time >= (self.limit or 1000)),
            outcomes={"far": far},
            forced=jnp.zeros(AGENTS, bool),
        )

    def observation(self, state):
        places = state["places"].astype(jnp.float32)
        alone = jnp.stack([places, places[::-1], jnp.full(AGENTS, state["time"] / LIMIT)], -1)
        whole = jnp.concatenate([places, state["alive"], state["time"][None] / LIMIT])
        stop = jnp.arange(3) == 1
        return Observation(
            observations=alone,
            state=whole.astype(jnp.float32),
            available_actions=state["alive"][:, None] | stop,
            alive=state["alive"],
        )

    def render(self, state):
        picture = np.full((AGENTS, PLACES, 3), 255, np.uint8)
        for agent, place in enumerate(state["places"]):
            picture[agent, place] = GREEN if state["alive"][agent] else RED
        return picture


@pytest.fixture(scope="session")
def rails():
    return Rails()


@pytest.fixture(scope="session")
def endless_rails():
    return Rails(limit=None, chance=0.0, agent_rewards=True)


@pytest.fixture(scope="session")
def forcing_rails():
    return ForcedStop(Rails(), 0.3, action=1)


@pytest.fixture(scope="session")
def params():
    _, observation = Rails().reset(jax.random.key(0))
    shapes = jax.eval_shape(
        ACTOR.init,
        jax.random.key(0),
        initial_hidden_state(NETWORK, 1, AGENTS),
        observation.observations[None, None],
        observation.available_actions[None, None],
        jnp.ones((1, 1), bool),
    )
    random = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: np.float32(0.3 * random.normal(size=leaf.shape)), shapes)


@pytest.fixture(scope="session")
def make_player():
    def make(environment, *, greedy=False, max_steps=100):
        return EpisodePlayer(environment, ACTOR, NETWORK, max_steps, greedy)

    return make


@pytest.fixture(scope="session")
def evaluated():
    """What an evaluation finds with the same seed."""

    def evaluate(environment, params, *, greedy=False, max_steps=100):
        devices = tuple(jax.devices("cpu")[:1])
        evaluator = Evaluator(environment, ACTOR, NETWORK, COUNT, devices, max_steps)
        return evaluator.evaluate(params, SEED, COUNTER, greedy=greedy)

    return evaluate


@pytest.fixture(scope="session")
def episodes(forcing_rails, params, make_player):
    """Episodes with sampled actions, some of them forced."""
    player = make_player(forcing_rails)
    return record_episodes(player, params, count=COUNT, seed=SEED, counter=COUNTER)


@pytest.fixture
def blind():
    """An environment without a picture."""

    class Blind:
        spec = EnvironmentSpec("toy/blind", 1, 1, 1, DiscreteActions(2), None)

        def reset(self, key): ...

        def step(self, key, state, actions): ...

    return Blind()
