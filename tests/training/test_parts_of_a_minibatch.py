"""A minibatch's gradient from parts that stay in a cache is that of the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.methods import Gpae
from gpae.training.minibatch import Totals, prepare_batch
from gpae.training.objectives import minibatch_loss
from gpae.training.sharding import Runner
from gpae.training.update import gradient_step, initial_optimisers, sum_over

ENVIRONMENTS, CHUNK = 4, 4
PARTS = "gpae.kernels.parts.PART_FEATURES"


@pytest.fixture(scope="module")
def setup(learner):
    return learner(method=Gpae(lambda_=0.9), steps=8, entropy_coefficient=0.01)


@pytest.fixture(scope="module")
def played(setup, experience):
    return experience(setup, count=2, drift=0.2)


@pytest.fixture(scope="module")
def batch(played):
    """A batch whose environments have unequal numbers of steps that exist."""
    batch = played.estimate(played.window())
    return batch.replace(weights=batch.weights.at[:5, 0].set(0.0).at[:2, 3].set(0.0))


@pytest.fixture(autouse=True)
def on_a_cpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")


@pytest.fixture(scope="module")
def stepped(setup, played, batch, over_devices):
    """A gradient step from the environments of each part, by the parts' number."""

    def step(params, batch, order):
        optimiser_states = initial_optimisers(setup.gradient.optimiser, params)
        select = prepare_batch(batch, CHUNK).minibatch
        (_, states), metrics = gradient_step(
            setup.gradient, params, optimiser_states, select, order
        )
        return states, metrics

    order = jnp.array([2, 0, 3, 1])
    run = over_devices(step)
    return {n: run(played.params, batch, order.reshape(n, -1)) for n in (1, 2, 4)}


@pytest.mark.parametrize("parts", [2, 4])
def test_moments_and_scalars_are_those_of_the_whole(stepped, parts):
    assert len(jax.tree.leaves(stepped[1])) > 20
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-7),
        stepped[1],
        stepped[parts],
    )


def test_a_part_alone_is_another_gradient(setup, played, batch, over_devices, stepped):
    def step(params, batch):
        optimiser_states = initial_optimisers(setup.gradient.optimiser, params)
        select, part = prepare_batch(batch, CHUNK).minibatch, jnp.array([[2, 0]])
        return gradient_step(setup.gradient, params, optimiser_states, select, part)[1]

    found, (_, whole) = over_devices(step)(played.params, batch), stepped[1]
    name = "update/actor_gradient_norm"
    assert abs(found[name] / whole[name] - 1.0) > 0.05


def test_results_of_parts_are_added_up():
    parts = jnp.array([[0, 1], [10, 2], [100, 3]])

    def gradient(part):
        return {"tens": part[:1] * 2}, {"sum": part.sum()}

    total, metrics = sum_over(gradient, parts, {"tens": jnp.array([7])})
    assert total["tens"].tolist() == [220]
    assert metrics["sum"] == 116


def test_totals_are_of_steps_that_exist_and_of_agents_that_live(batch, over_devices):
    def count(batch):
        return Totals.of(prepare_batch(batch, CHUNK).minibatch().rows)

    totals = over_devices(count)(batch)
    weights, alive = np.asarray(batch.weights), np.asarray(batch.steps.observation.alive)
    assert not alive.all()
    assert float(totals.steps) == weights.sum() == weights.size - 7
    assert float(totals.living) == (weights[..., None] * alive).sum() < alive.sum()


def test_the_change_of_the_policy_is_a_mean_over_living_agents(setup, played, batch, over_devices):
    def change(params, batch):
        return minibatch_loss(
            setup.gradient.objective, params, prepare_batch(batch, CHUNK).minibatch()
        )[1]

    shifts = np.linspace(-0.6, 0.6, batch.log_ratios.size).reshape(batch.log_ratios.shape)
    begun = batch.replace(log_ratios=batch.log_ratios - jnp.asarray(shifts, jnp.float32))
    found = over_devices(change)(played.params, begun)
    weights = np.asarray(batch.weights)[..., None] * np.asarray(batch.steps.observation.alive)
    terms = {
        "update/approximate_kl": np.exp(shifts) - 1.0 - shifts,
        "update/clip_fraction": np.abs(np.exp(shifts) - 1.0) > setup.gradient.settings.clip,
    }
    for name, term in terms.items():
        expected = (term * weights).sum() / weights.sum()
        assert 0.01 < expected < 0.9
        np.testing.assert_allclose(found[name], expected, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("minibatches", [1, 2])
def test_updates_of_a_runner_in_parts(learner, cpu_devices, monkeypatch, minibatches, devices):
    parts, found = set(), {}

    def counting(function, given, held):
        parts.add(len(given))
        return sum_over(function, given, held)

    monkeypatch.setattr("gpae.training.update.sum_over", counting)
    for features in (2**20, 1):
        monkeypatch.setattr(PARTS, features)
        setup = learner(minibatches=minibatches, environments=8)
        runner = Runner(setup, cpu_devices[:devices], 1)
        state, _, metrics = runner.run(runner.initial_state(0), 1)
        moments = jax.tree.map(np.asarray, state.optimiser_states)
        found[features] = metrics, moments
    assert parts == {1, 8 // (minibatches * devices)} != {1}
    (whole, moments), (metrics, parted) = found.values()
    assert whole.keys() == metrics.keys()
    for name in whole:
        np.testing.assert_allclose(metrics[name], whole[name], rtol=1e-2, atol=1e-5, err_msg=name)
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=2e-2, atol=1e-5),
        parted,
        moments,
    )
