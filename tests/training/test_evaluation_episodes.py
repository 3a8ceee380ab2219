"""Evaluation plays whole episodes, each its first only, the same however they are split."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.environments import DiscreteActions, Metric
from gpae.networks import Actor, NetworkSettings, apply_actor, initial_hidden_state
from gpae.training import evaluation
from gpae.training.evaluation import Evaluator, headline_metric, join_episodes, metric_directions
from gpae.training.keys import Purpose, derive_each

EPISODES, COUNTER, SEED = 7, 3, 11
NETWORK = NetworkSettings(hidden_size=8)
ACTOR = Actor(NETWORK, DiscreteActions(3))


@pytest.fixture(scope="module")
def environment(clockwork):
    return clockwork()


@pytest.fixture(scope="module")
def params(environment):
    _, observation = environment.reset(jax.random.key(0))
    shapes = jax.eval_shape(
        ACTOR.init,
        jax.random.key(0),
        initial_hidden_state(NETWORK, 1, 3),
        observation.observations[None, None],
        observation.available_actions[None, None],
        jnp.ones((1, 1), bool),
    )
    random = np.random.default_rng(0)
    return jax.tree.map(lambda leaf: np.float32(random.normal(size=leaf.shape)), shapes)


@pytest.fixture(scope="module")
def evaluator(environment, cpu_devices):
    return Evaluator(environment, ACTOR, NETWORK, EPISODES, cpu_devices)


@pytest.fixture(scope="module")
def greedy(evaluator, params):
    return evaluator.evaluate(params, SEED, COUNTER, greedy=True)


@pytest.fixture(scope="module")
def sampled(evaluator, params):
    return evaluator.evaluate(params, SEED, COUNTER, greedy=False)


@pytest.mark.slow
@pytest.mark.parametrize("greedily", [True, False], ids=["greedy", "sampled"])
@pytest.mark.parametrize(("runs", "at_once"), [(3, 100), (3, 2 * EPISODES), (1, 100)])
def test_runs_evaluated_in_one_call_are_the_runs_alone(
    runs, at_once, greedily, evaluator, params, monkeypatch
):
    monkeypatch.setattr(evaluation, "EPISODES_AT_ONCE", at_once)
    several = [jax.tree.map(lambda leaf, run=run: leaf * (1 + run), params) for run in range(runs)]
    seeds = [SEED + run for run in range(runs)]
    found = evaluator.evaluate_each(several, seeds, COUNTER, greedy=greedily, lanes=4)
    assert len(found) == runs
    for run in range(runs):
        alone = evaluator.evaluate(several[run], seeds[run], COUNTER, greedy=greedily)
        assert found[run].keys() == alone.keys()
        for name, values in alone.items():
            np.testing.assert_allclose(found[run][name], values, rtol=1e-4, err_msg=name)
    ends = {tuple(episodes["episode_length"]) for episodes in found}
    assert len(ends) == runs, "episodes of different runs end at different times"


def played_by_hand(environment, params, key):
    """One episode with the most likely actions, stopped where it ends."""
    step = jax.jit(environment.step)
    act = jax.jit(lambda *inputs: apply_actor(ACTOR, params, *inputs))
    state, observation = environment.reset(key)
    hidden_state, rewards, ended = initial_hidden_state(NETWORK, 1, 3), [], False
    while not ended:
        inputs = (observation.observations[None, None], observation.available_actions[None, None])
        hidden_states, policy = act(hidden_state, *inputs, jnp.zeros((1, 1), bool))
        hidden_state = jax.tree.map(lambda leaf: leaf[0], hidden_states)
        actions = np.asarray(policy.probabilities[0, 0]).argmax(-1)
        state, result = step(key, state, jnp.asarray(actions))
        observation, ended = result.observation, bool(result.boundary)
        rewards.append(float(result.reward))
    return sum(rewards), len(rewards), float(result.outcomes["late"])


@pytest.mark.slow
def test_greedy_episodes_are_those_played_by_hand(environment, params, greedy):
    keys = derive_each(SEED, Purpose.EVALUATION_RESET, COUNTER, jnp.arange(EPISODES))
    by_hand = [played_by_hand(environment, params, key) for key in keys]
    returns, lengths, outcomes = zip(*by_hand, strict=True)
    assert len(set(lengths)) >= 3
    assert set(outcomes) == {0.0, 1.0}
    np.testing.assert_allclose(greedy["episode_return"], returns, rtol=1e-4)
    np.testing.assert_array_equal(greedy["episode_length"], lengths)
    np.testing.assert_array_equal(greedy["late"], outcomes)


@pytest.mark.slow
def test_results_are_of_the_episodes_asked_for(greedy, sampled):
    for result in (greedy, sampled):
        assert set(result) == {"episode_return", "episode_length", "late"}
        assert all(values.shape == (EPISODES,) for values in result.values())


def test_sampled_episodes_begin_as_the_greedy_ones_and_go_another_way(greedy, sampled):
    np.testing.assert_array_equal(sampled["episode_length"], greedy["episode_length"])
    assert (sampled["episode_return"] != greedy["episode_return"]).sum() >= 5


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["greedy", "sampled"])
def test_results_do_not_depend_on_the_number_of_devices(
    request, environment, params, cpu_devices, mode
):
    alone = Evaluator(environment, ACTOR, NETWORK, EPISODES, cpu_devices[1:])
    expected = alone.evaluate(params, SEED, COUNTER, greedy=mode == "greedy")
    for name, values in request.getfixturevalue(mode).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-5)


def test_the_same_evaluation_is_repeatable_and_another_is_not_the_same(evaluator, params, sampled):
    again = evaluator.evaluate(params, SEED, COUNTER, greedy=False)
    other = evaluator.evaluate(params, SEED, COUNTER + 1, greedy=False)
    for name, values in sampled.items():
        np.testing.assert_array_equal(again[name], values)
    assert (other["episode_return"] != sampled["episode_return"]).all()


@pytest.mark.slow
def test_parameters_from_the_host_and_from_devices_run_the_same_program(
    evaluator, params, greedy, cpu_devices
):
    compiled = evaluator._compiled[True, False]
    assert compiled._cache_size() == 1
    for device in cpu_devices:
        moved = jax.device_put(params, device)
        again = evaluator.evaluate(moved, SEED, COUNTER, greedy=True)
        np.testing.assert_array_equal(again["episode_return"], greedy["episode_return"])
    assert compiled._cache_size() == 1


@pytest.mark.slow
def test_an_endless_environment_is_cut_off(clockwork, params, cpu_devices):
    class Endless(clockwork):
        @property
        def spec(self):
            return super().spec.__class__(
                **{**vars(super().spec), "max_episode_steps": None, "metrics": ()}
            )

        def step(self, key, state, actions):
            successor, step = super().step(key, state, actions)
            return successor, step.replace(truncated=jnp.array(False), outcomes={})

    environment = Endless(endless=True)
    one = Evaluator(environment, ACTOR, NETWORK, 1, cpu_devices[:1], max_steps=20)
    episodes = one.evaluate(params, SEED, 0, greedy=True)
    assert (episodes["episode_length"], episodes["cut_off"]) == ([20], [1])
    assert headline_metric(environment) == "episode_return"


@pytest.mark.slow
@pytest.mark.parametrize("stated", [2, 50, None])
def test_an_episode_is_played_to_its_end_whatever_the_limit_says(
    clockwork, params, greedy, cpu_devices, stated
):
    environment = clockwork(stated_limit=stated)
    evaluator = Evaluator(environment, ACTOR, NETWORK, EPISODES, cpu_devices[:1])
    episodes = evaluator.evaluate(params, SEED, COUNTER, greedy=True)
    assert set(episodes) == set(greedy)
    for name, values in greedy.items():
        np.testing.assert_allclose(episodes[name], values, rtol=1e-5)


def test_a_time_limit_longer_than_the_most_steps_holds(clockwork, cpu_devices):
    def longest(limit, max_steps):
        environment = clockwork(limit=limit)
        return Evaluator(environment, ACTOR, NETWORK, 1, cpu_devices, max_steps).longest

    assert (longest(7, 20), longest(70, 20)) == (20, 70)


def test_episodes_of_several_evaluations_are_joined_in_order():
    parts = [
        {"episode_return": np.array([1.0, 2.0])},
        {"episode_return": np.array([3.0]), "cut_off": np.array([1.0])},
    ]
    joined = join_episodes(parts)
    np.testing.assert_array_equal(joined["episode_return"], [1, 2, 3])
    np.testing.assert_array_equal(joined["cut_off"], [0, 0, 1])


def test_the_headline_is_the_environments_first_outcome(environment):
    assert headline_metric(environment) == "late"


def test_a_metric_with_a_direction_is_evaluated_by_its_name(environment, evaluator, params, greedy):
    class Hurried(type(environment)):
        @property
        def spec(self):
            return replace(super().spec, metrics=(Metric("late", maximise=False),))

    hurried = Hurried(**vars(environment))
    found = replace(evaluator, environment=hurried).evaluate(params, SEED, COUNTER, greedy=True)
    assert headline_metric(hurried) == "late"
    assert metric_directions(hurried) == {"late": "minimise"}
    assert sorted(found) == sorted(greedy)
    np.testing.assert_array_equal(found["late"], greedy["late"])


@pytest.mark.slow
@pytest.mark.parametrize("squash", [False, True])
def test_greedy_continuous_actions_are_the_means_within_the_bounds(levers, cpu_devices, squash):
    network = NetworkSettings(core="feedforward", hidden_size=8, squash_actions=squash)
    actor = Actor(network, levers.spec.actions)
    observation, hidden_state = levers.observation(), initial_hidden_state(network, 1, 2)
    seen = (observation.observations[None, None], observation.available_actions[None, None])
    fresh = jax.jit(actor.init)(jax.random.key(0), hidden_state, *seen, jnp.ones((1, 1), bool))
    params = jax.tree.map(lambda leaf: leaf + 0.7, fresh)
    means = apply_actor(actor, params, hidden_state, *seen, jnp.ones((1, 1), bool))[1].mean
    assert (means > levers.spec.actions.high).any()
    a, b = np.asarray(2 * np.tanh(means) if squash else np.clip(means, -2, 2)).ravel()
    one = Evaluator(levers, actor, network, 2, cpu_devices[:1])
    found = one.evaluate(params, SEED, 0, greedy=True)["episode_return"]
    expected = -((a + b - 0.4) ** 2) - 0.5 * (a - b - 1.6) ** 2
    np.testing.assert_allclose(found, [expected, expected], rtol=1e-5)
