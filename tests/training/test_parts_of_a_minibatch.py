"""A minibatch's gradient from parts that stay in a cache is that of the whole."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gpae.kernels.parts import number_of_parts
from gpae.methods import Gpae
from gpae.training.population import Population
from gpae.training.update import initial_optimiser_states, minibatch_loss
from gpae.training.update.gradient_steps import gradient_step, gradients_over_parts
from gpae.training.update.minibatch import prepare_batch

pytestmark = pytest.mark.slow

ENVIRONMENTS, CHUNK = 4, 4
PARTS = "gpae.kernels.parts.PART_FEATURES"


@pytest.fixture(scope="module")
def setup(learner):
    return learner(method=Gpae(lambda_=0.9), steps=8, entropy_coefficient=0.01)


@pytest.fixture(scope="module")
def played(setup, experience):
    return experience(setup, count=2, drift=0.2)


@pytest.fixture(scope="module")
def estimation(played):
    """A batch whose environments have unequal numbers of steps that exist."""
    estimation = played.estimation(played.window())
    weights = estimation.batch.weights.at[:5, 0].set(0.0).at[:2, 3].set(0.0)
    return estimation._replace(batch=estimation.batch.replace(weights=weights))


@pytest.fixture(autouse=True)
def on_a_cpu(monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: "cpu")


@pytest.fixture(scope="module")
def step(setup, over_devices):
    """A gradient step on the environments of each part: the optimisers' states and the metrics."""

    def run(params, estimation, order):
        optimiser_states = initial_optimiser_states(setup.gradient.optimiser, params)
        prepared = prepare_batch(estimation.batch, estimation.hidden_states, CHUNK)
        (_, states), metrics = gradient_step(
            setup.gradient, params, optimiser_states, prepared, order
        )
        return states, metrics

    return over_devices(run)


@pytest.fixture(scope="module")
def stepped(step, played, estimation):
    """A gradient step from the environments of each part, by the parts' number."""
    order = jnp.array([2, 0, 3, 1])
    return {n: step(played.params, estimation, order.reshape(n, -1)) for n in (1, 2, 4)}


@pytest.mark.parametrize("parts", [2, 4])
def test_moments_and_scalars_are_those_of_the_whole(stepped, parts):
    assert len(jax.tree.leaves(stepped[1])) > 20
    jax.tree.map(
        lambda one, other: np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-7),
        stepped[1],
        stepped[parts],
    )


def test_a_part_alone_is_another_gradient(step, played, estimation, stepped):
    _, found = step(played.params, estimation, jnp.array([[2, 0]]))
    _, whole = stepped[1]
    name = "update/actor_gradient_norm"
    assert abs(found[name] / whole[name] - 1.0) > 0.05


@pytest.mark.parametrize(("fitting", "parts"), [(4, 1), (3.9, 2), (2, 2), (1.9, 4), (0.5, 4)])
def test_as_few_parts_as_fit(monkeypatch, fitting, parts):
    features = 128
    monkeypatch.setattr(PARTS, fitting * features)
    assert number_of_parts(ENVIRONMENTS, features) == parts


def test_another_device_than_a_cpu_takes_all_at_once(monkeypatch):
    monkeypatch.setattr(PARTS, 1)
    assert number_of_parts(ENVIRONMENTS, 128) == ENVIRONMENTS
    monkeypatch.setattr(jax, "default_backend", lambda: "gpu")
    assert number_of_parts(ENVIRONMENTS, 128) == 1


def test_gradients_and_metrics_of_parts_are_added_up():
    parts = jnp.array([[0, 1], [10, 2], [100, 3]])

    def loss(params, part):
        return (params["tens"] * part[0] * 2).sum(), {"sum": part.sum()}

    total, metrics = gradients_over_parts(loss, {"tens": jnp.array([7.0])}, parts)
    assert total["tens"].tolist() == [220]
    assert metrics["sum"] == 116


def test_totals_are_of_steps_that_exist_and_of_agents_that_live(
    estimation, over_devices, minibatch_of
):
    totals = over_devices(lambda estimation: minibatch_of(estimation, CHUNK).totals)(estimation)
    batch = estimation.batch
    weights, alive = np.asarray(batch.weights), np.asarray(batch.steps.observation.alive)
    assert not alive.all()
    assert float(totals.steps) == weights.sum() == weights.size - 7
    assert float(totals.living) == (weights[..., None] * alive).sum() < alive.sum()


def test_the_change_of_the_policy_is_a_mean_over_living_agents(
    setup, played, estimation, over_devices, minibatch_of
):
    def change(params, estimation):
        minibatch = minibatch_of(estimation, CHUNK)
        return minibatch_loss(setup.gradient.objective, params, minibatch)[1]

    batch = estimation.batch
    shifts = np.linspace(-0.6, 0.6, batch.log_ratios.size).reshape(batch.log_ratios.shape)
    begun = batch.replace(log_ratios=batch.log_ratios - jnp.asarray(shifts, jnp.float32))
    found = over_devices(change)(played.params, estimation._replace(batch=begun))
    weights = np.asarray(batch.weights)[..., None] * np.asarray(batch.steps.observation.alive)
    terms = {
        "update/approximate_kl": np.exp(shifts) - 1.0 - shifts,
        "update/clip_fraction": np.abs(np.exp(shifts) - 1.0) > setup.gradient.settings.clip,
    }
    for name, term in terms.items():
        expected = (term * weights).sum() / weights.sum()
        assert 0.01 < expected < 0.9
        np.testing.assert_allclose(found[name], expected, rtol=1e-3, err_msg=name)


@pytest.mark.parametrize(
    ("minibatches", "devices", "core"),
    [(1, 1, "feedforward"), (1, 2, "feedforward"), (2, 1, "feedforward"), (2, 2, "gru")],
)
def test_updates_in_parts(learner, cpu_devices, monkeypatch, minibatches, devices, core):
    parts, found = set(), {}

    def counting(loss, params, given):
        parts.add(1 if given is None else len(given))
        return gradients_over_parts(loss, params, given)

    monkeypatch.setattr("gpae.training.update.gradient_steps.gradients_over_parts", counting)
    for features in (2**20, 1):
        monkeypatch.setattr(PARTS, features)
        setup = learner(minibatches=minibatches, environments=8, core=core)
        population = Population(setup, cpu_devices[:devices], 1)
        state, metrics = population.run(population.initial_state(0), 1)
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
