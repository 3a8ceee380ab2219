"""Chunks of the window: where they start from, and what their length changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from gpae.methods import Gpae
from gpae.networks import apply_actor
from gpae.training.update import minibatch_loss
from gpae.training.update.minibatch import PreparedBatch

STEPS, CHUNKS = 8, (2, 4, 8)


@pytest.fixture(scope="module")
def setup(learner):
    return learner(method=Gpae(lambda_=0.9), steps=STEPS, entropy_coefficient=0.01)


@pytest.fixture(scope="module")
def played(setup, experience):
    return experience(setup, count=2, drift=0.2)


@pytest.fixture(scope="module")
def estimation(played):
    return played.estimation(played.window())


@pytest.fixture(scope="module")
def batch(estimation):
    return estimation.batch


@pytest.fixture(scope="module")
def losses(setup, played, estimation, over_devices, minibatch_of):
    """The loss, its parts and its gradient for each length of chunk."""

    def loss(chunk):
        return lambda params, estimation: minibatch_loss(
            setup.gradient.objective, params, minibatch_of(estimation, chunk)
        )

    return {
        chunk: over_devices(jax.value_and_grad(loss(chunk), has_aux=True))(
            played.params, estimation
        )
        for chunk in CHUNKS
    }


@pytest.mark.slow
def test_chunks_start_from_the_hidden_states_of_the_full_pass(
    setup, played, estimation, over_devices, minibatch_of
):
    chunked = over_devices(lambda estimation: minibatch_of(estimation, 4))(estimation)
    batch = estimation.batch
    assert chunked.hidden_states["actor"].shape[:2] == (4, 4)
    steps, start = batch.steps, played.rollouts[0].hidden_states["actor"]
    for row in range(1, 4):
        seen = jax.tree.map(lambda leaf, end=4 * row: leaf[:end], steps)
        observation = seen.observation
        hidden_states, _ = apply_actor(
            setup.actor,
            played.params["actor"],
            start,
            observation.observations,
            observation.available_actions,
            seen.first,
        )
        np.testing.assert_allclose(
            chunked.hidden_states["actor"][row], hidden_states[-1], atol=1e-5
        )
    np.testing.assert_array_equal(chunked.hidden_states["actor"][0], start)
    np.testing.assert_array_equal(
        chunked.hidden_states["critic"][0], played.rollouts[0].hidden_states["critic"]
    )
    np.testing.assert_array_equal(chunked.batch.steps.rewards[1, 2], batch.steps.rewards[9])


@pytest.mark.slow
@pytest.mark.parametrize("chunk", CHUNKS[:-1])
def test_before_the_first_gradient_step_the_loss_is_that_of_whole_rollouts(losses, chunk):
    (loss, parts), _ = losses[chunk]
    (whole_loss, whole_parts), _ = losses[STEPS]
    np.testing.assert_allclose(loss, whole_loss, rtol=1e-5, atol=1e-6)
    assert parts.keys() == whole_parts.keys()
    for name, part in parts.items():
        np.testing.assert_allclose(part, whole_parts[name], rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.slow
def test_the_loss_before_the_first_gradient_step_is_that_of_the_batch(setup, batch, losses):
    (loss, parts), _ = losses[STEPS]
    advantages = np.asarray(batch.advantages)
    normal = (advantages - advantages.mean()) / advantages.std()
    actor = -(np.exp(np.asarray(batch.log_ratios)) * normal).mean()
    critic = 0.5 * ((batch.values["critic"] - batch.targets["critic"]) ** 2).mean()
    probabilities = np.asarray(batch.policy.probabilities)
    logs = np.log(np.where(probabilities > 0, probabilities, 1.0))
    entropy = -(probabilities * logs).sum(-1).mean()
    assert abs(actor) > 1e-3
    np.testing.assert_allclose(parts["loss/actor"], actor, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(parts["loss/critic"], critic, rtol=1e-5)
    np.testing.assert_allclose(parts["loss/entropy"], entropy, rtol=1e-5)
    np.testing.assert_allclose(parts["update/approximate_kl"], 0.0, atol=1e-6)
    assert parts["update/clip_fraction"] == 0
    np.testing.assert_allclose(loss, actor + 0.5 * critic - 0.01 * entropy, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_shorter_chunks_cut_the_gradient_through_time(losses):
    short, whole = (ravel_pytree(losses[chunk][1])[0] for chunk in (2, STEPS))
    assert jnp.abs(short - whole).max() > 1e-3
    cosine = short @ whole / jnp.linalg.norm(short) / jnp.linalg.norm(whole)
    assert cosine > 0.8


@pytest.mark.slow
def test_dead_agents_have_no_policy_gradient(setup, played, estimation, over_devices, minibatch_of):
    batch = estimation.batch
    alive = batch.steps.observation.alive[..., None]
    changed = batch.advantages + jnp.where(alive[..., 0], 0.0, 50.0)

    def gradient(params, advantages):
        minibatch = minibatch_of(estimation, STEPS)
        rows = minibatch.batch.replace(
            advantages=advantages.reshape(2, STEPS, *advantages.shape[1:]).swapaxes(0, 1)
        )
        gradients, _ = jax.grad(
            lambda p: minibatch_loss(setup.gradient.objective, p, minibatch.replace(batch=rows)),
            has_aux=True,
        )(params)
        return gradients["actor"]

    compute = over_devices(gradient)
    before = compute(played.params, batch.advantages)
    after = compute(played.params, changed)
    assert not alive.all()
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), before, after)


@pytest.mark.parametrize("chosen", [None, [3, 1]])
def test_a_minibatch_is_all_time_and_chunks_of_its_environments(chosen):
    rows, environments, length = 2, 4, 3
    tags = jnp.arange(rows * length)[:, None] * 10 + jnp.arange(environments)
    whole = PreparedBatch({"tags": tags}, {"tags": tags[::length]}, chunk=length)
    minibatch = whole.minibatch(None, None if chosen is None else jnp.array(chosen))
    numbers = np.arange(environments) if chosen is None else np.array(chosen)
    assert minibatch.batch["tags"].shape == (length, rows, len(numbers))
    for time, row in np.ndindex(length, rows):
        expected = 10 * (row * length + time) + numbers
        np.testing.assert_array_equal(minibatch.batch["tags"][time, row], expected)
    np.testing.assert_array_equal(minibatch.hidden_states["tags"], [numbers, 30 + numbers])


@pytest.mark.slow
def test_a_batch_in_one_minibatch_needs_no_shuffling(
    setup, played, estimation, over_devices, minibatch_of
):
    def loss(params, estimation, order):
        minibatch = minibatch_of(estimation, 4, order)
        return minibatch_loss(setup.gradient.objective, params, minibatch)

    gradient = over_devices(jax.value_and_grad(loss, has_aux=True))
    plain = gradient(played.params, estimation, None)
    shuffled = gradient(played.params, estimation, jnp.array([2, 0, 3, 1]))
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5),
        plain,
        shuffled,
    )
