"""``gpae.estimators`` on simulated trajectories converges to the exact expectation."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

from gpae import estimators, exact

NUM, LENGTH, LAMBDA, ETA = 100_000, 25, 0.9, 1.05


@pytest.fixture(scope="module")
def sample_cached():
    cache = {}

    def sample(case):
        key = case.behaviour.tobytes()
        if key not in cache:
            rng = np.random.default_rng(0)
            cache[key] = exact.sample_trajectories(
                rng, case.game, case.behaviour, num=NUM, length=LENGTH
            )
        return cache[key]

    return sample


def perturbed_values(case):
    """Values unlike the true ones, so that the bootstrap and the traces both matter."""
    rng = np.random.default_rng(5)
    return case.true_values + 0.5 * rng.normal(size=case.true_values.shape)


def log_ratios_along(case, sampled):
    ratios = np.log(exact.importance_ratios(case.target, case.behaviour))
    agents = np.arange(case.game.num_agents)
    return jnp.asarray(ratios[agents, sampled.states[..., None], sampled.actions])


def estimated_advantages(case, sampled, values, scheme, bootstrap):
    """``A_0`` of the case's agent on every trajectory, ``[E]``."""
    ratios = log_ratios_along(case, sampled)
    nowhere = jnp.zeros(ratios.shape[:-1], bool)
    weights = estimators.bootstrap_weights(ratios, nowhere, nowhere)
    along = jnp.asarray(sampled.lookup(values))[..., None] * jnp.ones_like(ratios)
    shape = sampled.rewards.shape
    advantages = estimators.gpae(
        jnp.asarray(sampled.rewards),
        along[:-1],
        along[1:],
        jnp.full(shape, case.game.discount),
        jnp.zeros(shape, bool),
        estimators.traces(scheme, ratios, LAMBDA, ETA)[:-1],
        bootstrap_weights=weights[:-1] if bootstrap == "corrected" else None,
    )
    return np.asarray(advantages[0, :, case.agent], dtype=float)


def conditional_moments(sampled, samples, shape):
    """Mean given (s_0, a_0) and its standard error."""
    index = (sampled.states[0], *sampled.actions[0].T)
    count, total, square = np.zeros((3, *shape))
    np.add.at(count, index, 1)
    np.add.at(total, index, samples)
    np.add.at(square, index, samples**2)
    mean = total / count
    return mean, np.sqrt((square / count - mean**2) / count)


def assert_converged(case, sampled, scheme, bootstrap):
    values = perturbed_values(case)
    expected = case.operator(scheme, bootstrap, LAMBDA, ETA).advantages(values)
    samples = estimated_advantages(case, sampled, values, scheme, bootstrap)
    mean, error = conditional_moments(sampled, samples, expected.shape)
    assert error.max() < 0.03
    assert (np.abs(mean - expected) < 5 * error).all()
    assert np.abs(mean - expected).max() < 0.08


@pytest.mark.slow
@pytest.mark.parametrize("agent", [0, 1])
def test_on_policy_estimator_converges(make_case, sample_cached, agent):
    case = make_case(2, num_agents=2, num_states=3, discount=0.6)
    case = dataclasses.replace(case, behaviour=case.target, agent=agent)
    assert_converged(case, sample_cached(case), "none", "paper")


@pytest.mark.slow
@pytest.mark.parametrize("bootstrap", estimators.BOOTSTRAPS)
@pytest.mark.parametrize("scheme", estimators.TRACE_SCHEMES)
def test_off_policy_estimator_converges(make_case, sample_cached, scheme, bootstrap):
    case = make_case(3, num_agents=2, num_states=3, discount=0.6)
    assert_converged(case, sample_cached(case), scheme, bootstrap)


@pytest.mark.slow
def test_sampling_tells_the_two_bootstraps_apart(make_case, sample_cached):
    """The bounds above would not pass the wrong bootstrap."""
    case = make_case(3, num_agents=2, num_states=3, discount=0.6)
    sampled, values = sample_cached(case), perturbed_values(case)
    samples = estimated_advantages(case, sampled, values, "double", "paper")
    wrong = case.operator("double", "corrected", LAMBDA, ETA).advantages(values)
    mean, error = conditional_moments(sampled, samples, wrong.shape)
    assert (np.abs(mean - wrong) > 5 * error).any()


@pytest.mark.parametrize("scheme", ["inner", "untruncated"])
def test_sampled_advantage_at_the_true_values_is_q_minus_eq(make_case, sample_cached, scheme):
    """Corrected, without outer truncation: unbiased for the target policy from another's data."""
    case = make_case(3, num_agents=2, num_states=3, discount=0.6)
    sampled = sample_cached(case)
    samples = estimated_advantages(case, sampled, case.true_values, scheme, "corrected")
    mean, error = conditional_moments(sampled, samples, case.advantages.shape)
    assert (np.abs(mean - case.advantages) < 5 * error).all()
    assert np.abs(mean - case.advantages).max() < 0.08
