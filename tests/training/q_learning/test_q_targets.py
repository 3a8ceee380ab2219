"""Targets against episodes played again one by one, each with its true last successor."""

from dataclasses import replace
from functools import partial
from itertools import pairwise
from operator import itemgetter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Vdn
from gpae.networks import SumMixer, apply_q_network, initial_hidden_state
from gpae.training.keys import Clock
from gpae.training.q_learning.targets import at_successors, targets, trajectory_values
from gpae.training.q_learning.update import gradient_step
from gpae.training.sharding import BY_TIME_AND_ENVIRONMENT, EVERYWHERE

pytestmark = pytest.mark.slow

STEPS, SIZE, LIMIT, DISCOUNT, SCALE = 15, 24, 6, 0.9, 3.0


@pytest.fixture(scope="module", params=[0, 50], ids=["limit stated", "limit stated too long"])
def setup(request, q_learner, qmix, clockwork):
    method = qmix(reward_scale=SCALE, batch_size=SIZE, buffer_size=SIZE)
    environment = clockwork(limit=LIMIT, stated_limit=request.param)
    return q_learner(environment, method, environments=SIZE, steps=STEPS)


@pytest.fixture(scope="module")
def params(setup, random_parameters):
    """Online and target parameters that have nothing to do with one another."""
    shapes = jax.eval_shape(setup.initial_state, jnp.uint32(0)).params
    return random_parameters(shapes, 1), random_parameters(shapes, 2)


@pytest.fixture(scope="module")
def trajectories(setup, params):
    """Trajectories collected at epsilon 1, with ends of every kind in them."""
    clock = Clock(jnp.uint32(0), jnp.int32(0))
    collected, _ = jax.jit(setup._collect)(params[0], clock, jnp.arange(SIZE))
    return collected


@pytest.fixture(scope="module")
def episodes(setup, trajectories):
    """Each episode as (environment, steps, views of its steps and its true last successor)."""
    environment = setup.collection.environment
    shown = jax.tree.map(np.asarray, trajectories)

    def successor(observation, actions):
        time = jnp.round(10 * observation.state[-1]).astype(jnp.int32)
        state = {"time": time, "length": jnp.int32(1000), "position": observation.state[:-1]}
        return environment.step(None, state, actions)[1].observation

    after = jax.jit(jax.vmap(jax.vmap(successor)))(trajectories.observation, trajectories.actions)
    found = []
    for number in range(SIZE):
        starts = [*np.flatnonzero(shown.first[:, number]), STEPS]
        for begin, end in pairwise(starts):
            inside = jax.tree.map(itemgetter((slice(begin, end), number)), shown.observation)
            last = jax.tree.map(itemgetter((slice(end - 1, end), number)), after)
            all_observations = jax.tree.map(lambda *parts: np.concatenate(parts), inside, last)
            found.append((number, slice(begin, end), all_observations))
    return found


@pytest.fixture(scope="module")
def action_values(setup):
    """The values of one episode's views, from empty hidden state."""
    network = setup.gradient.values.network
    start = initial_hidden_state(network.settings, 1, 3)

    @jax.jit
    def evaluate(params, observations):
        resets = jnp.zeros((LIMIT + 1, 1), bool)
        return apply_q_network(network, params, start, observations[:, None], resets)[1][:, 0]

    def run(params, all_observations):
        padding = [(0, LIMIT + 1 - len(all_observations.observations)), (0, 0), (0, 0)]
        observations = np.pad(all_observations.observations, padding)
        return np.asarray(evaluate(params, observations))[: len(all_observations.observations)]

    return run


@pytest.fixture(scope="module")
def mixed(setup):
    """The mixer's value of one step."""
    mixer = setup.gradient.values.mixer
    apply = jax.jit(mixer.apply)
    return lambda params, values, state: float(apply(params, np.float32(values), state))


def expected_targets(params, trajectories, episodes, action_values, mix, double_q):
    """A loop over episodes, steps and agents."""
    online, target = params
    rewards, terminated = np.asarray(trajectories.rewards), np.asarray(trajectories.terminated)
    result = np.full(rewards.shape, np.nan)
    for number, steps, all_observations in episodes:
        of_target = action_values(target["actor"], all_observations)
        ranked = action_values(online["actor"], all_observations) if double_q else of_target
        for place, time in enumerate(range(steps.start, steps.stop), start=1):
            result[time, number] = SCALE * rewards[time, number]
            if not terminated[time, number]:
                best = [
                    max(
                        np.flatnonzero(all_observations.available_actions[place, agent]),
                        key=row.item,
                    )
                    for agent, row in enumerate(ranked[place])
                ]
                chosen = of_target[place, np.arange(3), best]
                result[time, number] += DISCOUNT * mix(
                    target["mixer"], chosen, all_observations.state[place]
                )
    return result


def expected_taken(params, trajectories, episodes, action_values, mix):
    """Q_tot of the actions taken, likewise."""
    result = np.full(trajectories.rewards.shape, np.nan)
    for number, steps, all_observations in episodes:
        values = action_values(params["actor"], all_observations)
        for place, time in enumerate(range(steps.start, steps.stop)):
            taken = values[place, np.arange(3), trajectories.actions[time, number]]
            result[time, number] = mix(params["mixer"], taken, all_observations.state[place])
    return result


def computed_targets(plan, params, trajectories):
    online, target = params

    @jax.jit
    def compute(online, target, trajectories):
        values = trajectory_values(plan.network, online["actor"], trajectories)
        return targets(plan, target, values, trajectories)

    return np.asarray(compute(online, target, trajectories))


def test_the_data_has_ends_of_every_kind(trajectories):
    index, terminated = (
        np.asarray(trajectories.truncations.index),
        np.asarray(trajectories.terminated),
    )
    assert ((index > 0) & (index < STEPS - 1)).any(), "a time limit inside a trajectory"
    assert terminated[1:-1].any(), "a termination inside a trajectory"
    assert terminated[-1].any(), "a termination at the end of a trajectory"
    at_end = (index == STEPS - 1).any(0)
    assert at_end.any(), "an episode still under way at the end, or cut off there"
    assert (at_end ^ terminated[-1]).all(), "the last step has a successor or none, never both"
    limited = np.asarray(trajectories.observation.state)[..., -1] * 10 >= LIMIT - 1.5
    assert (limited & ~terminated)[:-1].any()


@pytest.mark.parametrize("double_q", [True, False])
def test_targets_are_those_of_each_episode_on_its_own(
    setup, params, trajectories, episodes, action_values, mixed, double_q
):
    method = replace(setup.method, double_q=double_q)
    plan = replace(setup.gradient.values, method=method)
    expected = expected_targets(params, trajectories, episodes, action_values, mixed, double_q)
    found = computed_targets(plan, params, trajectories)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)
    other = expected_targets(params, trajectories, episodes, action_values, mixed, not double_q)
    assert (np.abs(expected - other) > 1e-3).mean() > 0.1, "double Q makes a difference"


def test_the_loss_is_the_mean_squared_error_on_one_device_and_on_two(
    setup, params, trajectories, episodes, action_values, mixed, over_devices
):
    online, target = params
    taken = expected_taken(online, trajectories, episodes, action_values, mixed)
    aims = expected_targets(params, trajectories, episodes, action_values, mixed, True)
    before = setup.gradient.optimiser.init(online)
    steps = [
        over_devices(partial(gradient_step, setup.gradient), devices, in_specs=split)(
            online, before, target, trajectories
        )
        for devices, split in ((1, EVERYWHERE), (2, (*[EVERYWHERE] * 3, BY_TIME_AND_ENVIRONMENT)))
    ]
    for _, metrics in steps:
        np.testing.assert_allclose(metrics["loss/q"], np.mean((taken - aims) ** 2), rtol=1e-4)
        np.testing.assert_allclose(metrics["q/mean_taken"], taken.mean(), rtol=1e-4)
    (one, _), (two, _) = steps
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6), one, two)


def test_targets_of_vdn_are_sums(setup, params, trajectories, episodes, action_values):
    method = Vdn(reward_scale=SCALE)
    plan = replace(setup.gradient.values, method=method, mixer=SumMixer())
    pair = [{"actor": each["actor"], "mixer": {}} for each in params]

    def add(params, values, state):
        return values.sum()

    expected = expected_targets(pair, trajectories, episodes, action_values, add, True)
    found = computed_targets(plan, pair, trajectories)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_unavailable_actions_never_count_however_valuable(setup, params, trajectories):
    """Both networks value action 1 above all, everywhere; where it is unavailable it is no max."""
    fond = jax.tree.map(lambda leaf: leaf, params[0]["actor"])
    fond["params"]["network"]["head"]["Dense_0"]["bias"] = np.array([0, 1000, 0], np.float32)

    def without_it(observation):
        return observation.replace(
            available_actions=observation.available_actions.at[..., 1].set(False)
        )

    truncations = trajectories.truncations.replace(
        observation=without_it(trajectories.truncations.observation)
    )
    masked = trajectories.replace(
        observation=without_it(trajectories.observation), truncations=truncations
    )
    plan = replace(setup.gradient.values, mixer=SumMixer())
    pair = 2 * ({"actor": fond, "mixer": {}},)
    assert np.abs(computed_targets(plan, pair, masked)).max() < 500
    assert np.abs(computed_targets(plan, pair, trajectories)).max() > 500


def test_a_value_is_the_next_steps_or_the_truncations():
    values = jnp.arange(12.0).reshape(6, 2)
    index = jnp.array([[1, 4], [3, 2]])
    expected = [[2, 3], [8, 5], [6, 11], [10, 0]]
    # four steps and two truncations; the cut after step 4 is an unused slot
    np.testing.assert_array_equal(at_successors(values, index), expected)
