"""A window of M rollouts is one sequence of M T steps, and one not yet full is a shorter one."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from gpae.methods import Gpae
from gpae.training.collection import collect, empty_rollout
from gpae.training.update import minibatch_loss
from gpae.training.window import append, empty_window, merge_time, split_chunks

ROLLOUTS, STEPS, ENVIRONMENTS, AGENTS = 3, 6, 4, 2


def tagged():
    """[M, T, E, N] with m, t, e and n in the digits."""
    m, t, e, n = np.indices((ROLLOUTS, STEPS, ENVIRONMENTS, AGENTS))
    return 1000 * m + 100 * t + 10 * e + n


def test_merging_keeps_rollout_step_environment_and_agent_apart():
    merged = merge_time({"x": jnp.asarray(tagged())})["x"]
    assert merged.shape == (ROLLOUTS * STEPS, ENVIRONMENTS, AGENTS)
    for m, t, e, n in np.ndindex(ROLLOUTS, STEPS, ENVIRONMENTS, AGENTS):
        assert merged[m * STEPS + t, e, n] == 1000 * m + 100 * t + 10 * e + n


def test_merging_arrays_without_elements_keeps_their_shape():
    assert merge_time(jnp.zeros((3, 6, 4, 2, 0))).shape == (18, 4, 2, 0)


@pytest.mark.parametrize("chunk", [1, 2, STEPS])
def test_a_chunk_is_consecutive_steps_of_one_environment(chunk):
    merged = merge_time(jnp.asarray(tagged()))
    chunks = np.asarray(split_chunks(merged, chunk))
    rows = ROLLOUTS * STEPS // chunk
    assert chunks.shape == (chunk, rows, ENVIRONMENTS, AGENTS)
    for step, row, e, n in np.ndindex(*chunks.shape):
        m, t = divmod(row * chunk + step, STEPS)
        assert chunks[step, row, e, n] == 1000 * m + 100 * t + 10 * e + n


def test_appending_drops_the_oldest_and_counts_those_that_exist():
    window = empty_window({"x": jnp.zeros((2, 3))}, 3)
    assert not window.valid.any()
    contents, valid = [], []
    for number in range(1, 5):
        window = append(window, {"x": jnp.full((2, 3), float(number))})
        contents.append(window.rollouts["x"][:, 0, 0].tolist())
        valid.append(window.valid.tolist())
    assert contents == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert valid == [[False, False, True], [False, True, True], [True] * 3, [True] * 3]


@pytest.mark.slow
@pytest.mark.parametrize("core", ["gru", "feedforward"])
@pytest.mark.parametrize("discrete", [True, False])
def test_an_empty_rollout_is_what_is_collected_in_shapes(learner, clockwork, dials, discrete, core):
    setup = learner(clockwork() if discrete else dials, Gpae(), core=core)
    plan, environments = setup.collection, jnp.arange(setup.budget.environments)
    state = jax.eval_shape(setup.initial_state, jnp.uint32(0))
    arguments = state.params["actor"], state.collector, state.clock, environments
    collected = jax.eval_shape(partial(collect, plan), *arguments)[1]
    empty = empty_rollout(plan, jax.tree.map(lambda leaf: jnp.ones(leaf.shape), state.collector))
    assert jax.tree.map(jnp.shape, empty) == jax.tree.map(jnp.shape, collected)
    types = jax.eval_shape(partial(empty_rollout, plan), state.collector)
    assert jax.tree.map(jnp.dtype, types) == jax.tree.map(jnp.dtype, collected)
    assert not any(
        leaf.any() for leaf in jax.tree.leaves((empty.steps, empty.truncations.observation))
    )
    assert (empty.truncations.index == plan.steps).all()


def assert_same(batch, expected, tolerance=1e-5):
    assert jax.tree.structure(batch) == jax.tree.structure(expected)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance),
        batch,
        expected,
    )


@pytest.fixture(scope="module")
def played(learner, experience):
    return experience(learner(), count=4, drift=0.2)


@pytest.mark.slow
def test_a_window_of_rollouts_is_one_rollout_as_long_as_all(played, probe, joined):
    one = joined(played.rollouts[1:])
    long = append(empty_window(one, 1), one)
    crossing = ~np.asarray(one.steps.terminated | one.steps.truncated)[7:-1:8]
    assert crossing.any(), "no episode crosses from one rollout to the next"
    estimation = played.estimation(played.window(count=3))
    batch = estimation.batch
    assert batch.weights.shape == (24, 4)
    np.testing.assert_array_equal(batch.weights, 1.0)
    assert np.abs(batch.log_ratios).mean() > 0.02
    assert_same(estimation, played.estimation(long))
    seen = played.estimation(played.window(count=3), probe)
    assert_same(seen, played.estimation(long, probe))
    resampled = np.array(one.steps.truncated)
    resampled[-1] = True
    np.testing.assert_array_equal(seen.coefficients[..., 0], resampled)


@pytest.mark.slow
def test_of_the_stored_hidden_states_the_oldest_rollouts_alone_matter(played):
    window = played.window(count=3)
    before = played.estimation(window)

    def shifted(number):
        hidden_states = jax.tree.map(
            lambda leaf: leaf.at[number].add(0.5), window.rollouts.hidden_states
        )
        return played.estimation(
            window.replace(rollouts=window.rollouts.replace(hidden_states=hidden_states))
        )

    first = ~np.asarray(before.batch.steps.first)[0]
    assert first.any()
    moved = shifted(0).batch.values["critic"] - before.batch.values["critic"]
    assert (np.abs(moved)[0][first] > 1e-4).all()
    assert_same(shifted(1), before, tolerance=0)


@pytest.fixture(scope="module")
def part_and_whole(learner, experience, clockwork):
    """A window of 3 with 2 rollouts in it, and a window of 2; only forced actions are sampled."""
    environment = clockwork(limit=8, endless=True, gate=4)
    setup = learner(environment, Gpae(bootstrap="corrected"), steps=4)
    played = experience(setup, count=3, drift=0.2)
    part, whole = (played.estimation(played.window(length, count=2)) for length in (3, 2))
    assert np.asarray(whole.batch.steps.truncated).any()
    return setup, played.params, part, whole


@pytest.mark.slow
def test_a_window_not_yet_full_is_a_shorter_one(part_and_whole):
    _, _, part, whole = part_and_whole
    np.testing.assert_array_equal(part.batch.weights[:4], 0.0)
    np.testing.assert_array_equal(part.batch.weights[4:], 1.0)
    assert_same(part.after, whole.after, tolerance=1e-6)
    of_steps = [each._replace(after=None) for each in (part, whole)]
    existing = jax.tree.map(lambda leaf: leaf[4:], of_steps[0])
    assert_same(existing, of_steps[1], tolerance=1e-6)


@pytest.mark.slow
def test_rollouts_that_do_not_exist_count_for_nothing_in_the_loss(
    part_and_whole, over_devices, minibatch_of
):
    setup, params, *estimations = part_and_whole

    def loss(params, estimation):
        return minibatch_loss(setup.gradient.objective, params, minibatch_of(estimation, 4))

    compute = over_devices(jax.value_and_grad(loss, has_aux=True))
    part, whole = (compute(params, each) for each in estimations)
    assert_same(part, whole, tolerance=1e-5)
    assert np.abs(ravel_pytree(whole[1]["actor"])[0]).max() > 1e-3
    assert np.abs(ravel_pytree(whole[1]["critic"])[0]).max() > 1e-3
