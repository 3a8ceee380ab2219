"""Shaped rewards: added with a coefficient that falls over env steps, and no part of returns."""

import dataclasses
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, EnvironmentSpec, Observation, Step
from gpae.errors import UserError
from gpae.methods import Gpae, Qmix, UpdateSettings, Vdn
from gpae.networks import NetworkSettings
from gpae.training.evaluation import Evaluator
from gpae.training.families import make_learner
from gpae.training.population import Population
from gpae.training.protocol import Phase
from gpae.training.settings import RolloutSettings, WindowSettings
from gpae.training.shaping import RewardShaping, make_shaping

pytestmark = pytest.mark.slow

ENVIRONMENTS, STEPS = 4, 8
EACH_UPDATE = ENVIRONMENTS * STEPS


@dataclasses.dataclass(frozen=True)
class Stairs:
    """Two agents for four steps: paid for agent 0's action, shaped rewards are for agent 1's.

    With ``own`` each agent has both rewards for itself.
    """

    own: bool = False

    @property
    def spec(self):
        return EnvironmentSpec(
            "test/stairs",
            2,
            2,
            1,
            DiscreteActions(3),
            4,
            agent_rewards=self.own,
            shaped_rewards=True,
        )

    def reset(self, key):
        del key
        return jnp.int32(0), self.observation()

    def step(self, key, state, actions):
        del key
        reward, shaped = self.rewards(actions)
        return state + 1, Step(
            observation=self.observation(),
            actions=actions,
            reward=reward,
            terminated=state + 1 >= 4,
            truncated=jnp.array(False),
            outcomes={},
            forced=jnp.zeros(2, bool),
            shaped_reward=shaped,
        )

    def rewards(self, actions):
        """The reward and the shaped one of joint actions, [..., N]."""
        actions = actions.astype(jnp.float32)
        if self.own:
            return actions, 10.0 + actions
        return actions[..., 0], 10.0 + actions[..., 1]

    def observation(self):
        return Observation(
            observations=jnp.eye(2),
            state=jnp.ones(1),
            available_actions=jnp.ones((2, 3), bool),
            alive=jnp.ones(2, bool),
        )


def shaped_learner(environment, method, horizon, **window):
    """A small learner of any family."""
    return make_learner(
        environment,
        method,
        NetworkSettings(core="feedforward", hidden_size=8),
        RolloutSettings(ENVIRONMENTS, STEPS, horizon),
        WindowSettings(**window),
        UpdateSettings(epochs=1, minibatches=1),
        discount=0.9,
        total_env_steps=1e4,
    )


def without_learning(learner):
    """A learner that collects and counts updates, on no other part of which shaping depends."""

    def collect(state, inputs, environments):
        state, _, metrics = learner.collect_phase(state, inputs, environments)
        clock = dataclasses.replace(state.clock, update=state.clock.update + 1)
        return dataclasses.replace(state, clock=clock), None, metrics

    names = "budget", "state_sharding", "initial_state", "hyperparameters"
    collecting = SimpleNamespace(**{name: getattr(learner, name) for name in names})
    collecting.phases = (Phase("collect", collect),)
    collecting.with_hyperparameters = lambda values: collecting
    return collecting


def small_mixer(kind):
    return kind(batch_size=4, buffer_size=4, learning_starts=0)


def history(learner, devices, updates):
    """The steps collected in each update, and its metrics."""
    population = Population(learner, devices, updates)
    state, steps, metrics = population.initial_state(0), [], []
    for _ in range(updates):
        state, told = population.run(state, 1)
        (host,) = population.split(state)
        steps.append(jax.tree.map(np.array, collected(host)))
        metrics.append({name: values.item() for name, values in told.items()})
    return steps, metrics


def collected(state):
    """The joint actions and rewards of the newest rollout."""
    if hasattr(state, "buffer"):
        experience = state.buffer.experience
        return experience.actions, experience.rewards
    steps = state.window.rollouts.steps
    return steps.actions[-1], steps.rewards[-1]


def assert_shaped(environment, steps, coefficients):
    for (actions, rewards), coefficient in zip(steps, coefficients, strict=True):
        reward, shaped = environment.rewards(actions)
        np.testing.assert_allclose(rewards, reward + coefficient * shaped, rtol=1e-6)


@pytest.mark.parametrize(
    ("horizon", "window", "coefficients"),
    [
        (2 * EACH_UPDATE, {}, [1, 0.5, 0, 0]),
        (100, {}, [1, 0.68, 0.36, 0.04, 0]),
        (EACH_UPDATE, {"length": 2, "mode": "constant_batch"}, [1, 0.5, 0]),
        (EACH_UPDATE, {"length": 2, "mode": "growing_batch"}, [1, 0]),
        (1, {}, [1, 0]),
        (0, {}, [0, 0]),
    ],
    ids=["twice", "uneven", "constant batch", "growing batch", "first update", "none"],
)
@pytest.mark.parametrize(
    "own",
    [False, pytest.param(True, marks=pytest.mark.exhaustive)],
    ids=["team", "each agent"],
)
def test_the_coefficient_falls_with_the_env_steps_of_earlier_updates(
    cpu_devices, horizon, window, coefficients, own
):
    setup = without_learning(shaped_learner(Stairs(own), Gpae(), horizon, **window))
    steps, metrics = history(setup, cpu_devices[:1], len(coefficients))
    assert_shaped(Stairs(own), steps, coefficients)
    told = [each.get("shaping/coefficient", 0) for each in metrics]
    np.testing.assert_allclose(told, coefficients, rtol=1e-6)
    assert ("shaping/coefficient" in metrics[0]) == (horizon > 0)


@pytest.mark.parametrize("kind", [Vdn, Qmix])
def test_q_learners_keep_trajectories_with_the_coefficient_of_their_update(kind, cpu_devices):
    setup = shaped_learner(Stairs(), small_mixer(kind), 2 * EACH_UPDATE)
    steps, metrics = history(setup, cpu_devices[:1], 3)
    assert_shaped(Stairs(), steps, [1, 0.5, 0])
    assert [each["shaping/coefficient"] for each in metrics] == [1, 0.5, 0]


@pytest.mark.parametrize("kind", ["gpae", "vdn"])
def test_two_devices_count_all_env_steps(kind, cpu_devices):
    method = Gpae() if kind == "gpae" else small_mixer(Vdn)
    setup = shaped_learner(Stairs(), method, 2 * EACH_UPDATE)
    steps, metrics = history(setup, cpu_devices, 3)
    assert_shaped(Stairs(), steps, [1, 0.5, 0])
    assert [each["shaping/coefficient"] for each in metrics] == [1, 0.5, 0]


def test_returns_are_of_the_reward_alone(cpu_devices):
    setup = shaped_learner(Stairs(), Gpae(), 1e6)
    (steps, *_), (metrics, *_) = history(setup, cpu_devices[:1], 1)
    reward, _ = Stairs().rewards(steps[0])
    episodes = reward.reshape(2, 4, ENVIRONMENTS).sum(1)
    np.testing.assert_allclose(metrics["train/episode_return"], episodes.mean(), rtol=1e-6)
    evaluator = Evaluator(Stairs(), setup.actor, setup.network, 8, cpu_devices[:1])
    played = evaluator.evaluate(setup.initial_state(0).params["actor"], 0, 0, greedy=False)
    assert played["episode_return"].max() <= 4 * 2


def test_the_coefficient_is_exact_over_the_longest_of_runs():
    shaping = RewardShaping(horizon=2.0**40, env_steps=2**14)
    assert shaping.coefficient(jnp.int32(2**25)) == 0.5
    assert shaping.coefficient(jnp.int32(2**26)) == 0
    assert shaping.coefficient(jnp.int32(2**30)) == 0


def test_an_environment_without_shaped_rewards_refuses(clockwork):
    message = (
        r"test/clockwork gives no shaped rewards for rollout.shaping_steps=1e\+06 to anneal: leave"
    )
    for method in (Gpae(), small_mixer(Vdn)):
        with pytest.raises(UserError, match=message):
            shaped_learner(clockwork(), method, 1e6)
    assert make_shaping(clockwork().spec, 0, EACH_UPDATE) is None
