"""The Q-learner from update to update: what it collects, when it learns, what devices change."""

import jax
import numpy as np
import pytest

from gpae.environments import ContinuousActions, DiscreteActions, EnvironmentSpec
from gpae.errors import UserError
from gpae.methods import UpdateSettings, Vdn
from gpae.training.evaluation import Evaluator
from gpae.training.population import Population, choose_devices
from gpae.training.q_learning.learner import make_q_budget
from gpae.training.settings import RolloutSettings

pytestmark = pytest.mark.slow

UPDATES, WARMUP, INTERVAL, LIMIT = 7, 2, 3, 6
SIZE, STEPS = 4, 9


def assert_identical(one, other):
    jax.tree.map(np.testing.assert_array_equal, one, other)


def differ(one, other):
    return any((a != b).any() for a, b in zip(*map(jax.tree.leaves, (one, other)), strict=True))


@pytest.fixture(scope="module")
def setup(q_learner, qmix, clockwork):
    method = qmix(
        learning_starts=WARMUP * SIZE * STEPS,
        target_interval=INTERVAL,
        epsilon_start=1.0,
        epsilon_finish=0.2,
        epsilon_decay=0.5,
    )
    learner = q_learner(
        clockwork(limit=LIMIT), method, environments=SIZE, steps=STEPS, updates=UPDATES
    )
    assert learner.budget.warmup == WARMUP
    return learner


@pytest.fixture(scope="module")
def two(setup, cpu_devices):
    return Population(setup, cpu_devices, UPDATES)


@pytest.fixture(scope="module")
def history(setup, two, cpu_devices):
    """The state before each update and after the last, on two devices, with the metrics.

    An evaluation in between draws none of training's keys.
    """
    evaluator = Evaluator(setup.collection.environment, setup.actor, setup.network, 3, cpu_devices)
    state, states, metrics = two.initial_state(0), [], []
    for update in range(UPDATES):
        states += two.split(state)
        evaluator.evaluate(states[-1].params["actor"], 0, update, greedy=True)
        state, told = two.run(state, 1)
        metrics.append({name: values.item() for name, values in told.items()})
    return [*states, *two.split(state)], metrics


def test_nothing_is_learned_before_learning_starts_and_something_in_every_update_after(history):
    states, metrics = history
    for update in range(UPDATES):
        moved = differ(states[update].params, states[update + 1].params)
        assert moved == (update >= WARMUP)
        assert (metrics[update]["update/gradient_norm"] > 0) == (update >= WARMUP)
        assert (metrics[update]["loss/q"] > 0) == (update >= WARMUP)
        assert all(np.isfinite(value) for value in metrics[update].values())


def test_the_target_is_the_online_network_as_it_was_at_the_last_multiple_of_the_interval(history):
    states, _ = history
    for update in range(1, UPDATES + 1):
        copied_after = (update - 1) // INTERVAL * INTERVAL + 1
        assert_identical(states[update].target_params, states[copied_after].params)
    assert differ(states[UPDATES - 1].target_params, states[UPDATES - 1].params)


def test_epsilon_and_the_trajectories_held_are_told(history):
    _, metrics = history
    falling = np.clip(np.arange(UPDATES) / (0.5 * UPDATES), 0, 1)
    found = [each["q/epsilon"] for each in metrics]
    np.testing.assert_allclose(found, 1.0 - 0.8 * falling, rtol=1e-5)
    assert [each["buffer/trajectories"] for each in metrics] == [4, 8, *[12] * 5]


def test_every_rollout_begins_new_episodes_and_no_action_is_unavailable(history):
    states, _ = history
    experience = states[3].buffer.experience
    assert experience.first[:, :, 0].all()
    starts = experience.observation.state[:, :, 0].reshape(-1, 4)
    assert len(np.unique(starts, axis=0)) == len(starts), "of every rollout its own"
    taken = np.take_along_axis(
        experience.observation.available_actions, experience.actions[..., None], axis=-1
    )
    assert taken.all()
    assert not experience.observation.available_actions.all()


def test_one_call_is_seven_calls_bit_for_bit(two, history):
    state, metrics = two.run(two.initial_state(0), UPDATES)
    assert_identical(two.split(state)[0], history[0][-1])
    for name, values in two.split_metrics(metrics)[0].items():
        np.testing.assert_array_equal(values, [each[name] for each in history[1]])


def test_another_seed_is_another_run(two, history):
    (state,) = two.split(two.run(two.initial_state(1), 1)[0])
    assert differ(state.buffer.experience.rewards, history[0][1].buffer.experience.rewards)


@pytest.fixture(scope="module")
def on_one_device(setup, cpu_devices):
    """The states after each update phase by phase on one device, and the phases told."""
    population, told, states = Population(setup, cpu_devices[:1], UPDATES), [], []
    state = population.initial_state(0)
    for _ in range(WARMUP + 1):
        state, _ = population.run_phases(state, told.append)
        states += population.split(state)
    return states, told


def test_one_device_collects_what_two_do_and_draws_other_batches_of_it(history, on_one_device):
    states, told = on_one_device
    assert told == ["collect", "update"] * (WARMUP + 1)
    for update, state in enumerate(states, start=1):
        two = history[0][update]
        jax.tree.map(
            lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6),
            state.buffer,
            two.buffer,
        )
    assert differ(states[-1].params, history[0][WARMUP + 1].params)


def test_devices_divide_environments_and_batches(q_learner, qmix, clockwork, monkeypatch):
    monkeypatch.setattr(jax, "local_devices", lambda: list(range(8)))
    for environments, batch, devices in ((8, 4, 4), (6, 4, 2), (5, 5, 5), (3, 4, 1)):
        method = qmix(batch_size=batch, buffer_size=40)
        learner = q_learner(clockwork(), method, environments=environments)
        assert len(choose_devices(learner.shares, 0)) == devices


@pytest.mark.parametrize(
    ("starts", "batch", "warmup", "made"),
    [(0, 1, 0, 30), (159, 1, 0, 30), (160, 1, 1, 27), (500, 1, 3, 21), (0, 33, 2, 24)],
)
def test_the_budget_counts_gradient_steps_from_where_learning_starts(starts, batch, warmup, made):
    budget = make_q_budget(
        Vdn(learning_starts=starts, batch_size=batch),
        RolloutSettings(environments=16, steps=10),
        UpdateSettings(epochs=3),
        1600,
    )
    assert (budget.updates, budget.gradient_steps, budget.warmup) == (10, 3, warmup)
    assert [budget.gradient_steps_after(update) for update in (0, warmup, 10)] == [0, 0, made]


def test_continuous_actions_are_refused(q_learner):
    class Reacher:
        spec = EnvironmentSpec("test/reacher", 2, 3, 3, ContinuousActions(2), 10)

    with pytest.raises(UserError, match="test/reacher has continuous actions"):
        q_learner(Reacher())


@pytest.mark.parametrize("method", [Vdn(), None])
def test_rewards_of_each_agent_are_refused_in_one_line(q_learner, qmix, method):
    class Bandits:
        spec = EnvironmentSpec("test/bandits", 2, 2, 1, DiscreteActions(2), 1, agent_rewards=True)

    method = method or qmix()
    with pytest.raises(UserError) as refused:
        q_learner(Bandits(), method)
    assert str(refused.value) == (
        "test/bandits pays each agent a reward of its own, and "
        f"{method.name} needs one team reward: use another method, such as method=gpae"
    )


def test_seeds_share_one_compilation(two, compilations):
    two.run(two.initial_state(0), 1)
    compilations.clear()
    state, _ = two.run(two.initial_state(1), 1)
    two.run(state, 1)
    assert not any("_run_shard" in name for name in compilations)
