"""What VDN and QMIX reach, and what each is known to fail at, in games small enough to see through.

Data is of uniform play throughout (epsilon 1), so what is learned is each method's best fit to all
joint actions alike. One environment holds three games, and an episode is one of them:

- *additive*: the payoff is a sum over agents, which both represent;
- *choice*, the two-step game of the QMIX paper (Rashid et al., 2018, section 6): agent 0 leads the
  team to a payoff of 7 whatever it does next, or to [[0, 1], [1, 8]]. The best sum of two values
  there is at most 6.5, so VDN prefers 7; a monotonic mixer represents it, so QMIX reaches 8;
- *penalty*, the matrix game of QTRAN (Son et al., 2019): the optimum of 8 lies between penalties of
  -12, which no value monotonic in the agents' can represent: both are content with 0.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.methods import Qmix, Vdn
from gpae.networks import initial_hidden_state
from gpae.training.population import Population

pytestmark = pytest.mark.slow

ADDITIVE, CHOICE, SEVEN, EIGHT, PENALTY = range(5)
PAYOFFS = np.zeros((5, 3, 3), np.float32)
PAYOFFS[ADDITIVE] = np.add.outer([0, 2, 1], [1, 0, 3])
PAYOFFS[SEVEN] = 7
PAYOFFS[EIGHT, :2, :2] = [[0, 1], [1, 8]]
PAYOFFS[PENALTY] = [[8, -12, -12], [-12, 0, 0], [-12, 0, 0]]
AVAILABLE = np.ones((5, 3), bool)
AVAILABLE[[CHOICE, SEVEN, EIGHT], 2] = False

UPDATES = 120
METHODS = {"vdn": Vdn, "qmix": Qmix}
REACHED = {"vdn": (5, 7, 0), "qmix": (5, 8, 0)}
BEST = (5, 8, 8)


@dataclasses.dataclass(frozen=True)
class Games:
    """Two agents that see where they are; in the second step of *choice*, at SEVEN or EIGHT."""

    spec = EnvironmentSpec("test/games", 2, 5, 5, DiscreteActions(3), 2)

    def reset(self, key):
        place = jax.random.choice(key, jnp.array([ADDITIVE, CHOICE, PENALTY]))
        return place, self.observation(place)

    def step(self, key, place, actions):
        del key
        goes_on = place == CHOICE
        successor = jnp.where(goes_on, SEVEN + actions[0], place)
        return successor, Step(
            observation=self.observation(successor),
            actions=actions,
            reward=jnp.asarray(PAYOFFS)[place, actions[0], actions[1]],
            terminated=~goes_on,
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
        )

    def observation(self, place):
        seen = jax.nn.one_hot(place, 5)
        return Observation(
            observations=jnp.tile(seen, (2, 1)),
            state=seen,
            available_actions=jnp.tile(jnp.asarray(AVAILABLE)[place], (2, 1)),
            alive=jnp.ones(2, bool),
        )


@pytest.fixture(scope="module", params=METHODS)
def learned(request, q_learner, cpu_devices):
    """The method's name, and the greedy joint action it has learned at every place."""
    method = METHODS[request.param](
        reward_scale=1.0,
        batch_size=32,
        buffer_size=3200,
        learning_starts=0,
        epsilon_finish=1.0,
        target_interval=5,
        **({"mixing_size": 16, "hypernetwork_size": 16} if request.param == "qmix" else {}),
    )
    learner = q_learner(
        Games(),
        method,
        core="feedforward",
        environments=32,
        updates=UPDATES,
        discount=0.99,
        hidden_size=32,
        epochs=10,
        learning_rate=1e-2,
        anneal_learning_rate=True,
    )
    population = Population(learner, cpu_devices[:1], UPDATES)
    state, metrics = population.run(population.initial_state(0), UPDATES)
    assert all(np.isfinite(values).all() for values in metrics.values())
    all_observations = jax.vmap(Games().observation)(jnp.arange(5))
    (params,) = population.split(state.params["actor"])
    _, policy = learner.actor.apply(
        params,
        initial_hidden_state(learner.network, 5, 2),
        all_observations.observations[None],
        all_observations.available_actions[None],
        jnp.ones((1, 5), bool),
    )
    return request.param, np.asarray(policy[0].mode())


def payoff(actions, place):
    """What the greedy team earns from a place on."""
    if place == CHOICE:
        return payoff(actions, SEVEN + actions[CHOICE][0])
    return PAYOFFS[place][tuple(actions[place])]


def test_what_each_method_reaches_and_what_it_fails_at(learned):
    name, actions = learned
    found = tuple(payoff(actions, place) for place in (ADDITIVE, CHOICE, PENALTY))
    assert found == REACHED[name]


def test_these_games_tell_the_methods_apart():
    assert REACHED["vdn"][0] == REACHED["qmix"][0] == BEST[0]
    assert REACHED["vdn"][1] < REACHED["qmix"][1] == BEST[1]
    assert max(REACHED["vdn"][2], REACHED["qmix"][2]) < BEST[2]
