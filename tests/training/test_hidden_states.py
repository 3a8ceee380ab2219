"""Hidden states are any pytree: an LSTM's pair from collection to the gradient chunks."""

import jax
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from gpae.training.population import Population
from gpae.training.update import minibatch_loss
from gpae.training.window import append, empty_window

pytestmark = pytest.mark.slow

ENVIRONMENTS, STEPS, AGENTS, HIDDEN = 6, 12, 3, 8
TOLERANCE = 1e-5


def assert_close(found, expected, tolerance=TOLERANCE):
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance),
        found,
        expected,
    )


@pytest.fixture(scope="module")
def setup(learner):
    return learner(core="lstm", environments=ENVIRONMENTS, steps=STEPS, epochs=1, chunk=4)


@pytest.fixture(scope="module")
def played(setup, experience):
    return experience(setup, count=2, drift=0.2)


@pytest.fixture(scope="module")
def on_policy(played):
    """The last rollout alone, estimated with the parameters that collected it."""
    return played.estimation(played.window(count=1))


@pytest.fixture(scope="module")
def off_policy(played):
    return played.estimation(played.window())


def test_a_hidden_state_is_a_pair_kept_with_every_rollout(played):
    for name in ("actor", "critic"):
        cell, output = played.rollouts[-1].hidden_states[name]
        for leaf in (cell, output, *played.collector.hidden_states[name]):
            assert leaf.shape == (ENVIRONMENTS, AGENTS, HIDDEN)
        assert np.abs(cell).max() > 0.1
        assert np.abs(cell - output).max() > 0.1


def test_log_ratios_are_zero_right_after_collection(on_policy):
    steps = on_policy.batch.steps
    assert np.asarray(steps.truncated[:-1]).any()
    assert np.asarray(steps.terminated[:-1]).any()
    assert not np.asarray(steps.first[0]).all(), "no episode runs on from the rollout before"
    assert np.abs(on_policy.batch.log_ratios).max() <= TOLERANCE
    assert np.ptp(steps.log_probs) > 0.5


def test_the_pass_that_acted_is_the_pass_computed_again(played, on_policy):
    told = played.estimation(played.window(count=1), acted=played.acted)
    assert_close(told, on_policy, 1e-4)


def test_hidden_states_after_truncations_are_kept_leaf_by_leaf(played):
    index = np.asarray(played.rollouts[-1].truncations.index)
    truncations = np.argwhere(index < STEPS)
    assert len(truncations) >= 2
    for after, kept in zip(played.acted.hidden_states, played.acted.at_successors, strict=True):
        for slot, environment in truncations:
            expected = after[index[slot, environment], environment]
            np.testing.assert_array_equal(kept[slot, environment], expected)
        np.testing.assert_array_equal(kept[-1], after[-1])


def test_a_window_of_rollouts_is_one_rollout_as_long_as_both(played, off_policy, joined):
    one = joined(played.rollouts)
    crossing = ~np.asarray(one.steps.terminated | one.steps.truncated)[STEPS - 1]
    assert crossing.any(), "no episode crosses from one rollout to the next"
    assert np.abs(off_policy.batch.log_ratios[:STEPS]).mean() > 0.02
    assert_close(off_policy, played.estimation(append(empty_window(one, 1), one)))


@pytest.fixture(scope="module")
def losses(setup, played, off_policy, over_devices, minibatch_of):
    """The loss with its metrics and gradients, and the chunks' first hidden states, by length."""

    def of_chunk(chunk):
        def loss(params, estimation):
            minibatch = minibatch_of(estimation, chunk)
            value, metrics = minibatch_loss(setup.gradient.objective, params, minibatch)
            return value, (metrics, minibatch.hidden_states)

        return over_devices(jax.value_and_grad(loss, has_aux=True))

    return {chunk: of_chunk(chunk)(played.params, off_policy) for chunk in (4, STEPS)}


def test_chunks_begin_with_the_hidden_states_of_the_full_pass(losses, off_policy):
    for chunk, ((_, (_, begun)), _) in losses.items():
        expected = jax.tree.map(lambda leaf, chunk=chunk: leaf[::chunk], off_policy.hidden_states)
        assert_close(begun, expected, 0.0)


def test_the_loss_in_chunks_is_that_of_whole_rollouts_and_its_gradient_is_cut(losses):
    (chunked, (metrics, _)), gradients = losses[4]
    (whole, (expected, _)), through_time = losses[STEPS]
    assert_close((chunked, metrics), (whole, expected))
    cut, full = (ravel_pytree(each)[0] for each in (gradients, through_time))
    assert np.abs(cut - full).max() > 1e-4
    assert cut @ full / np.linalg.norm(cut) / np.linalg.norm(full) > 0.8


def test_the_first_gradient_step_of_a_run_finds_the_policy_that_acted(setup, cpu_devices):
    population = Population(setup, cpu_devices, 2)
    state, metrics = population.run(population.initial_state(0), 2)
    for name in ("estimate/largest_log_ratio", "update/approximate_kl", "update/clip_fraction"):
        np.testing.assert_allclose(metrics[name], 0.0, atol=TOLERANCE, err_msg=name)
    assert (metrics["update/actor_gradient_norm"] > 1e-4).all()
    (cell, output) = state.collector.hidden_states["critic"]
    assert cell.shape == output.shape == (1, ENVIRONMENTS, AGENTS, HIDDEN)
    assert np.abs(cell).max() > 1e-3
