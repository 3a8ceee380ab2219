"""Finite games whose values are known exactly, as environments with tables as policies."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae import exact
from gpae.credit import CreditStates
from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.environments.finite_game import FiniteGame
from gpae.methods import Gpae, UpdateSettings
from gpae.networks import CategoricalPolicy, NetworkSettings
from gpae.training.policy_gradient import make_policy_gradient_learner
from gpae.training.settings import RolloutSettings, WindowSettings


@dataclasses.dataclass(frozen=True)
class TablePolicy:
    """A policy network that reads probabilities [N, S, A] from a table; it has no hidden state."""

    def apply(self, table, hidden_state, observations, available_actions, resets):
        del resets
        place = observations.argmax(-1)
        agents = jnp.arange(table.shape[0])
        logits = jnp.log(table)[agents, place]
        return hidden_state, CategoricalPolicy(jnp.where(available_actions, logits, -1e10))


@dataclasses.dataclass(frozen=True)
class Lab:
    """A random game, its policy, and every state with several joint actions."""

    game: exact.TeamGame
    policy: np.ndarray
    places: np.ndarray
    actions: np.ndarray

    @property
    def environment(self):
        return FiniteGame(self.game)

    @property
    def states(self):
        environment_state, observation = jax.vmap(self.environment.state_at)(
            jnp.asarray(self.places)
        )
        return CreditStates(
            environment_state=environment_state,
            observation=observation,
            first=jnp.zeros(len(self.places), bool),
            hidden_states={"actor": ()},
            actions=jnp.asarray(self.actions),
            forced=jnp.zeros(self.actions.shape, bool),
        )

    def truth(self):
        """Q [S], EQ [S, N] and V [S] at the states."""
        table = exact.action_values(self.game, self.policy)
        entry = (self.places, *self.actions.T)
        expected = [
            np.broadcast_to(exact.expected_values(table, self.policy, i), table.shape)[entry]
            for i in range(self.game.num_agents)
        ]
        values = exact.state_values(self.game, self.policy)[self.places]
        return table[entry], np.stack(expected, -1), values


@pytest.fixture(scope="session")
def lab():
    rng = np.random.default_rng(5)
    game = exact.random_game(rng, num_states=4, num_agents=3, num_actions=3, discount=0.8)
    policy = exact.softmax_policy(rng.normal(size=(3, 4, 3)))
    places = np.repeat(np.arange(4), 12)
    return Lab(game, policy, places, rng.integers(0, 3, size=(len(places), 3)))


@pytest.fixture(scope="session")
def table_policy():
    return TablePolicy()


@dataclasses.dataclass(frozen=True)
class Tagged:
    """Rewards that tell the state and each agent's action, in episodes of one or more steps.

    A step pays 1000 times the state's tag, and 100 times agent 0's, 10 times agent 1's and once
    agent 2's action. Agent 1 cannot take action 2, and agent 2 is dead where the tag is odd. The
    episode terminates after ``length`` steps, and is truncated after ``limit``.
    """

    length: int = 1
    limit: int | None = None

    @property
    def spec(self):
        return EnvironmentSpec("test/tagged", 3, 1, 1, DiscreteActions(3), self.limit)

    def reset(self, key):
        del key
        return self.state_at(0)

    def state_at(self, tag):
        state = {"tag": jnp.int32(tag), "time": jnp.int32(0)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key
        pay = 1000 * state["tag"] + (actions * jnp.array([100, 10, 1])).sum()
        state = {**state, "time": state["time"] + 1}
        terminated = state["time"] >= self.length
        over = state["time"] >= self.limit if self.limit is not None else jnp.array(False)
        return state, Step(
            observation=self.observation(state),
            actions=actions,
            reward=pay.astype(jnp.float32),
            terminated=terminated,
            truncated=~terminated & over,
            outcomes={},
            forced=jnp.zeros(3, bool),
        )

    def observation(self, state):
        dead = jnp.array([False, False, True]) & (state["tag"] % 2 == 1)
        available = jnp.ones((3, 3), bool).at[1, 2].set(False)
        return Observation(
            observations=jnp.tile(state["tag"].astype(jnp.float32), (3, 1)),
            state=state["tag"][None].astype(jnp.float32),
            available_actions=jnp.where(dead[:, None], jnp.arange(3) == 0, available),
            alive=~dead,
        )


@dataclasses.dataclass(frozen=True)
class Counter:
    """A policy network that counts its steps in its hidden state, and takes action count mod 3."""

    def apply(self, params, hidden_state, observations, available_actions, resets):
        del params, observations
        count = jnp.where(resets[0], 0, hidden_state)
        wanted = jax.nn.one_hot(count % 3, 3)[None, :, None] * jnp.ones((3, 1))
        logits = jnp.where(available_actions, 100.0 * wanted, -1e10)
        return (count + 1)[None], CategoricalPolicy(logits)


def tagged_states(environment, tags, actions, counts):
    """States of :class:`Tagged` and :class:`Counter`."""
    environment_state, observation = jax.vmap(environment.state_at)(jnp.asarray(tags))
    return CreditStates(
        environment_state=environment_state,
        observation=observation,
        first=jnp.zeros(len(tags), bool),
        hidden_states={"actor": jnp.asarray(counts)},
        actions=jnp.asarray(actions),
        forced=jnp.zeros(np.shape(actions), bool),
    )


@pytest.fixture(scope="session")
def tagged():
    """The tagged environment, its counting policy and the maker of its states."""
    return Tagged, Counter(), tagged_states


@pytest.fixture(scope="session")
def make_learner(lab):
    """A maker of recurrent learners of the lab's game, of a time limit that few episodes reach."""

    def make(method, **network):
        return make_policy_gradient_learner(
            FiniteGame(lab.game, max_steps=50),
            method,
            NetworkSettings(hidden_size=8, **network),
            RolloutSettings(environments=4, steps=8),
            WindowSettings(length=1),
            UpdateSettings(minibatches=1),
            discount=lab.game.discount,
            total_env_steps=32,
        )

    return make


@pytest.fixture(scope="session")
def gpae_learner(make_learner):
    """A learner of GPAE's with its first parameters, scaled up so that policies and values vary."""
    learner = make_learner(Gpae())
    params = jax.jit(learner.initial_state)(0).params
    return learner, jax.tree.map(lambda leaf: 3.0 * leaf, params)
