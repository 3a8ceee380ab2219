"""Learning that needs a network's own property: a hidden state, or parameters of each agent."""

import dataclasses

import jax
import jax.numpy as jnp
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.errors import UserError
from gpae.methods import Gpae, Mappo
from gpae.training.population import Population

pytestmark = pytest.mark.slow

UPDATES = 30
SETTINGS = {
    "environments": 32,
    "steps": 8,
    "updates": UPDATES,
    "epochs": 4,
    "learning_rate": 1e-2,
}


def step_of(game, state, reward, terminated):
    return state, Step(
        observation=game.observation(state),
        actions=state["actions"],
        reward=reward,
        terminated=terminated,
        truncated=jnp.array(False),
        outcomes={},
        forced=jnp.zeros(2, bool),
    )


def observed(seen):
    """The same observation for both agents, which is also the state."""
    return Observation(
        observations=jnp.stack([seen, seen]),
        state=seen,
        available_actions=jnp.ones((2, 2), bool),
        alive=jnp.ones(2, bool),
    )


@dataclasses.dataclass(frozen=True)
class Recall:
    """A cue is seen at the first step alone; the second pays the share of agents that repeat it."""

    spec = EnvironmentSpec("test/recall", 2, 2, 2, DiscreteActions(2), 2)

    def reset(self, key):
        cue = jax.random.bernoulli(key).astype(jnp.int32)
        state = {"cue": cue, "time": jnp.int32(0), "actions": jnp.zeros(2, jnp.int32)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key
        last = state["time"] == 1
        right = (actions == state["cue"]).mean(dtype=jnp.float32)
        state = {**state, "time": state["time"] + 1, "actions": actions}
        return step_of(self, state, jnp.where(last, right, 0.0), last)

    def observation(self, state):
        return observed(jnp.where(state["time"] == 0, jax.nn.one_hot(state["cue"], 2), 0.0))


@dataclasses.dataclass(frozen=True)
class Apart:
    """Two agents that see the same are paid 1 if the first acts 0 and the second 1."""

    spec = EnvironmentSpec("test/apart", 2, 1, 1, DiscreteActions(2), 1)

    def reset(self, key):
        del key
        state = {"actions": jnp.zeros(2, jnp.int32)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key, state
        right = (actions == jnp.arange(2)).all().astype(jnp.float32)
        return step_of(self, {"actions": actions}, right, jnp.array(True))

    def observation(self, state):
        del state
        return observed(jnp.ones(1))


def last_returns(setup, device):
    """The mean return of the episodes of the last five updates."""
    population = Population(setup, (device,), UPDATES)
    _, metrics = population.run(population.initial_state(0), UPDATES)
    return float(metrics["train/episode_return"][-5:].mean())


@pytest.mark.parametrize(
    ("core", "least", "most"), [("lstm", 0.95, 1.0), ("gru", 0.95, 1.0), ("feedforward", 0.4, 0.6)]
)
def test_a_cue_is_recalled_with_a_hidden_state_and_not_without(
    learner, cpu_devices, core, least, most
):
    setup = learner(Recall(), Mappo(), core=core, **SETTINGS)
    assert least <= last_returns(setup, cpu_devices[0]) <= most


@pytest.mark.parametrize("core", ["feedforward", "lstm"])
def test_agents_that_see_the_same_act_apart_with_parameters_of_their_own(
    learner, cpu_devices, core
):
    found = {
        share: last_returns(
            learner(Apart(), Mappo(), core=core, network={"share_parameters": share}, **SETTINGS),
            cpu_devices[0],
        )
        for share in (True, False)
    }
    assert found[True] < 0.35, "p (1 - p) is at most a quarter"
    assert found[False] > 0.95


@dataclasses.dataclass(frozen=True)
class Stripes:
    """One step on an image of 6 x 6 pixels: 1 is right for a stripe down it, 0 for one across."""

    spec = EnvironmentSpec(
        "test/stripes",
        2,
        36,
        72,
        DiscreteActions(2),
        1,
        observation_shape=(6, 6, 1),
        state_shape=(2, 6, 6, 1),
    )

    def reset(self, key):
        down, place = jax.random.randint(key, (2, 2), 0, jnp.array([[2, 2], [6, 6]]))
        state = {"down": down, "place": place, "actions": jnp.zeros(2, jnp.int32)}
        return state, self.observation(state)

    def step(self, key, state, actions):
        del key
        right = (actions == state["down"]).mean(dtype=jnp.float32)
        return step_of(self, {**state, "actions": actions}, right, jnp.array(True))

    def observation(self, state):
        across = (jnp.arange(6) == state["place"][:, None])[:, :, None]
        across = jnp.broadcast_to(across, (2, 6, 6))
        down = (state["down"] == 1)[:, None, None]
        pixels = jnp.where(down, across.swapaxes(1, 2), across).astype(jnp.uint8) * 255
        return Observation(
            observations=pixels.reshape(2, 36),
            state=pixels.ravel(),
            available_actions=jnp.ones((2, 2), bool),
            alive=jnp.ones(2, bool),
        )


def test_images_are_told_apart_by_convolutions(learner, cpu_devices):
    setup = learner(
        Stripes(),
        Gpae(),
        core="feedforward",
        network={"encoder": "cnn", "channels": 4},
        **{**SETTINGS, "environments": 16},
    )
    assert last_returns(setup, cpu_devices[0]) > 0.95
    kept = jax.eval_shape(setup.initial_state, 0).window.rollouts.steps.observation
    assert (kept.observations.dtype, kept.state.dtype) == (jnp.uint8, jnp.uint8)


def test_an_encoder_of_images_is_refused_for_vectors(learner):
    with pytest.raises(
        UserError, match=r"test/apart gives vectors, and network.encoder=cnn is for"
    ):
        learner(Apart(), Mappo(), network={"encoder": "cnn"}, **SETTINGS)
