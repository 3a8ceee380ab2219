"""Policies over real numbers: densities, masks, bounds, and what the critic is shown of them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from gpae.environments import ContinuousActions
from gpae.networks import (
    Actor,
    GaussianPolicy,
    NetworkSettings,
    apply_actor,
    initial_hidden_state,
    sample,
)

STEPS, ENVIRONMENTS, AGENTS, NUMBERS, SEEN = 5, 4, 3, 2, 4
LOW, HIGH = -0.5, 2.0
SHAPE = (STEPS, ENVIRONMENTS, AGENTS, NUMBERS)
HAS = np.array([[True, True], [True, False], [False, True]])


def gaussian(mean=None, log_std=None, squash=False, seed=0):
    """A policy of [T, E, N, A], random but for what is given; agents 1 and 2 have one number."""
    random = np.random.default_rng(seed)
    drawn_mean, drawn_log_std = random.normal(size=SHAPE), random.uniform(-1.5, 0.3, size=SHAPE)
    return GaussianPolicy(
        mean=jnp.asarray(drawn_mean if mean is None else mean, jnp.float32),
        log_std=jnp.asarray(drawn_log_std if log_std is None else log_std, jnp.float32),
        mask=jnp.broadcast_to(HAS, SHAPE),
        low=LOW,
        high=HIGH,
        squash=squash,
    )


def numbers_of(policy):
    """Mean and standard deviation in 64 bits."""
    return np.asarray(policy.mean, np.float64), np.exp(np.asarray(policy.log_std, np.float64))


def slope(unbounded):
    """The derivative of squashing, in 64 bits."""
    return 0.5 * (HIGH - LOW) / np.cosh(unbounded) ** 2


def test_log_prob_is_the_sum_of_the_densities_of_the_numbers_an_agent_has():
    policy = gaussian()
    actions = np.asarray(sample(jax.random.split(jax.random.key(0), ENVIRONMENTS), policy, axis=1))
    each = stats.norm.logpdf(actions.astype(np.float64), *numbers_of(policy))
    expected = np.where(HAS, each, 0.0).sum(-1)
    assert policy.log_prob(actions).shape == SHAPE[:-1]
    np.testing.assert_allclose(policy.log_prob(actions), expected, rtol=1e-5, atol=1e-5)


def test_a_draw_is_standard_normal_noise_scaled_and_shifted():
    key = jax.random.key(3)
    mean, std = numbers_of(policy := gaussian())
    noise = np.asarray(jax.random.normal(key, SHAPE), np.float64)
    expected = np.where(HAS, mean + std * noise, 0.0)
    np.testing.assert_allclose(policy.sample(key), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("squash", [False, True])
def test_numbers_an_agent_does_not_have_have_no_effect(squash):
    policy = gaussian(squash=squash)
    actions = np.random.default_rng(1).normal(size=SHAPE)
    elsewhere = gaussian(
        mean=np.where(HAS, policy.mean, 7.0),
        log_std=np.where(HAS, policy.log_std, 2.0),
        squash=squash,
    )
    other_actions = np.where(HAS, actions, -9.0)
    for name in ("log_prob", "executed", "features"):
        of_policy, of_other = getattr(policy, name), getattr(elsewhere, name)
        np.testing.assert_array_equal(of_policy(actions), of_other(other_actions), err_msg=name)
    for name in ("entropy", "mode", "summary"):
        of_policy, of_other = getattr(policy, name), getattr(elsewhere, name)
        np.testing.assert_array_equal(of_policy(), of_other(), err_msg=name)
    shown = (policy.sample(jax.random.key(0)), policy.mode(), policy.summary())
    for numbers in (*shown, policy.executed(actions)):
        assert (np.asarray(numbers)[..., ~HAS] == 0.0).all()
        assert (np.asarray(numbers)[..., HAS] != 0.0).all()


@pytest.mark.parametrize("squash", [False, True])
def test_the_gradient_reaches_the_numbers_an_agent_has_and_no_other(squash):
    policy = gaussian(squash=squash)
    actions = np.random.default_rng(1).normal(size=SHAPE)

    def total(mean, log_std):
        moved = policy.replace(mean=mean, log_std=log_std)
        return moved.log_prob(actions).sum() + moved.entropy().sum()

    for gradient in jax.grad(total, argnums=(0, 1))(policy.mean, policy.log_std):
        assert (np.asarray(gradient)[..., ~HAS] == 0.0).all()
        assert (np.asarray(gradient)[..., HAS] != 0.0).all()


def test_samples_are_drawn_from_the_normal_distribution():
    policy = gaussian()
    count = 4000
    drawn = np.asarray(jax.vmap(policy.sample)(jax.random.split(jax.random.key(0), count)))
    mean, std = numbers_of(policy)
    centred = ((drawn - mean) / std)[..., HAS]
    assert np.abs(centred.mean(0)).max() < 4.5 / count**0.5
    assert np.abs(centred.std(0) - 1.0).max() < 4.5 / (2 * count) ** 0.5
    flat = centred.reshape(count, -1)
    correlation = np.corrcoef(flat.T) - np.eye(flat.shape[1])
    assert np.abs(correlation).max() < 5.0 / count**0.5


def test_clipping_leaves_the_density_of_the_unclipped_number():
    policy = gaussian(log_std=np.zeros(SHAPE))
    actions = np.asarray(policy.sample(jax.random.key(3)))
    executed = np.asarray(policy.executed(actions))
    outside = ((actions < LOW) | (actions > HIGH)) & HAS
    assert outside.sum() > 10
    np.testing.assert_array_equal(executed, np.where(HAS, np.clip(actions, LOW, HIGH), 0.0))
    each = stats.norm.logpdf(actions.astype(np.float64), *numbers_of(policy))
    expected = np.where(HAS, each, 0.0).sum(-1)
    of_clipped = np.asarray(policy.log_prob(executed))
    np.testing.assert_allclose(policy.log_prob(actions), expected, rtol=1e-5, atol=1e-5)
    assert (np.abs(of_clipped - expected)[outside.any(-1)] > 1e-4).all()


def test_squashed_numbers_are_within_the_bounds_and_rise_from_one_to_the_other():
    unbounded = np.linspace(-30, 30, STEPS * ENVIRONMENTS)
    actions = np.broadcast_to(unbounded.reshape(STEPS, ENVIRONMENTS, 1, 1), SHAPE)
    executed = np.asarray(gaussian(squash=True).executed(actions))[:, :, 0, 0].ravel()
    assert (executed >= LOW).all()
    assert (executed <= HIGH).all()
    assert (np.diff(executed) >= 0).all()
    np.testing.assert_allclose(executed[[0, -1]], [LOW, HIGH], rtol=1e-6)
    middle = np.abs(unbounded) < 3
    expected = LOW + (HIGH - LOW) / (1 + np.exp(-2 * unbounded[middle]))
    np.testing.assert_allclose(executed[middle], expected, rtol=1e-5)


def test_ratios_of_squashed_densities_are_those_of_the_unbounded_ones():
    target, behaviour = (gaussian(squash=True, seed=seed) for seed in (0, 1))
    actions = np.clip(np.asarray(behaviour.sample(jax.random.key(0)), np.float64), -4, 4)
    bounded = LOW + 0.5 * (HIGH - LOW) * (1 + np.tanh(actions))

    def density(policy):
        """Of the bounded number: the slope of its distribution function."""
        mean, std = numbers_of(policy)
        step = 1e-6 * slope(actions)
        ends = [np.arctanh(2 * (bounded + d - LOW) / (HIGH - LOW) - 1) for d in (-step, step)]
        below, above = (stats.norm.cdf(end, mean, std) for end in ends)
        return np.where(HAS, (above - below) / (2 * step), 1.0).prod(-1)

    likely = (np.abs(actions - numbers_of(target)[0]) / numbers_of(target)[1] < 4).all(-1)
    expected = (density(target) / density(behaviour))[likely]
    found = np.exp(target.log_prob(actions) - behaviour.log_prob(actions))
    assert likely.sum() > 30
    np.testing.assert_allclose(found[likely], expected, rtol=1e-3)


def test_entropy_before_clipping_is_that_of_the_normal_distribution():
    policy = gaussian()
    expected = np.where(HAS, stats.norm.entropy(*numbers_of(policy)), 0.0).sum(-1)
    np.testing.assert_allclose(policy.entropy(), expected, rtol=1e-5, atol=1e-6)


def test_entropy_after_squashing_is_the_integral_over_the_bounded_numbers():
    policy = gaussian(squash=True)
    mean, std = numbers_of(policy)
    unbounded = mean[..., None] + std[..., None] * np.linspace(-9, 9, 4001)
    density = stats.norm.pdf(unbounded, mean[..., None], std[..., None]) / slope(unbounded)
    bounded = 0.5 * (HIGH - LOW) * np.tanh(unbounded)
    surprise = -density * np.log(np.maximum(density, 1e-300))
    each = integrate.trapezoid(surprise, bounded, axis=-1)
    expected = np.where(HAS, each, 0.0).sum(-1)
    np.testing.assert_allclose(policy.entropy(), expected, atol=1e-3)
    assert np.abs(policy.entropy() - policy.replace(squash=False).entropy()).mean() > 0.5


@pytest.mark.parametrize("squash", [False, True])
def test_the_critic_is_shown_what_is_carried_out(squash):
    policy = gaussian(squash=squash)
    actions = np.random.default_rng(1).normal(size=SHAPE)
    np.testing.assert_array_equal(policy.features(actions), policy.executed(actions))
    np.testing.assert_array_equal(policy.summary(), policy.executed(policy.mode()))
    np.testing.assert_array_equal(policy.mode(), np.where(HAS, policy.mean, 0.0))
    nearby = policy.mode() + np.random.default_rng(2).normal(size=(50, *SHAPE))
    assert (policy.log_prob(policy.mode()) > jax.vmap(policy.log_prob)(nearby)).all()


def test_one_place_of_the_leading_axis_is_a_policy_of_the_rest():
    policy = gaussian(squash=True)
    actions = np.random.default_rng(1).normal(size=SHAPE)
    np.testing.assert_array_equal(policy[2].log_prob(actions[2]), policy.log_prob(actions)[2])
    assert (policy[2].low, policy[2].high, policy[2].squash) == (LOW, HIGH, True)


def test_an_environments_draw_depends_on_its_own_key_and_policy_alone():
    keys = jax.random.split(jax.random.key(0), ENVIRONMENTS)
    t, e, n, a = np.indices(SHAPE)
    tag = 1000.0 * t + 100 * e + 10 * n + a + 1
    narrow = gaussian(mean=tag, log_std=np.full(SHAPE, -20.0))
    np.testing.assert_array_equal(sample(keys, narrow, axis=1), np.where(HAS, tag, 0.0))

    policy = gaussian()
    together = sample(keys, policy, axis=1)
    alone = sample(keys[2:3], jax.tree.map(lambda leaf: leaf[:, 2:3], policy), axis=1)
    backwards = sample(keys[::-1], jax.tree.map(lambda leaf: leaf[:, ::-1], policy), axis=1)
    np.testing.assert_array_equal(alone[:, 0], together[:, 2])
    np.testing.assert_array_equal(backwards[:, ::-1], together)
    mean, std = numbers_of(policy)
    noise = ((together - mean) / std)[..., HAS].reshape(-1)
    assert len(np.unique(noise)) == noise.size, "two numbers share their noise"


@pytest.fixture(scope="module")
def act():
    """An actor of real numbers: its parameters, and a function of them and the observations."""
    settings = NetworkSettings(core="feedforward", hidden_size=8, squash_actions=True)
    actor = Actor(settings, ContinuousActions(NUMBERS, LOW, HIGH))
    hidden_state = initial_hidden_state(settings, ENVIRONMENTS, AGENTS)
    observations = jax.random.normal(jax.random.key(0), (*SHAPE[:-1], SEEN))
    mask = jnp.broadcast_to(HAS, SHAPE)
    resets = jnp.zeros(SHAPE[:2], bool)
    params = jax.jit(actor.init)(jax.random.key(1), hidden_state, observations, mask, resets)

    @jax.jit
    def policy_of(params, observations):
        return apply_actor(actor, params, hidden_state, observations, mask, resets)[1]

    return params, observations, policy_of


def test_standard_deviations_are_parameters_that_depend_on_nothing(act):
    params, observations, policy_of = act
    policy = policy_of(params, observations)
    assert params["params"]["log_std"].shape == (NUMBERS,)
    np.testing.assert_array_equal(policy.log_std, np.zeros(SHAPE))
    assert np.abs(policy.mean).max() < 0.1, "means begin near 0"
    assert (policy.low, policy.high, policy.squash) == (LOW, HIGH, True)
    np.testing.assert_array_equal(policy.mask, np.broadcast_to(HAS, SHAPE))

    learnt = jnp.array([0.3, -1.2])
    params = {"params": params["params"] | {"log_std": learnt}}
    for seen in (observations, 5.0 * observations):
        policy = policy_of(params, seen)
        np.testing.assert_array_equal(policy.log_std, np.broadcast_to(learnt, SHAPE))
    assert np.ptp(policy.mean, axis=(0, 1, 2)).min() > 1e-3, "means do depend on what is seen"


def test_the_gradient_of_a_standard_deviation_is_the_closed_form(act):
    params, observations, policy_of = act
    policy = policy_of(params, observations)
    actions = np.asarray(policy.sample(jax.random.key(2)))

    def total(params):
        return policy_of(params, observations).log_prob(actions).sum()

    found = jax.grad(total)(params)["params"]["log_std"]
    squares = np.where(HAS, np.asarray(actions - policy.mean, np.float64) ** 2 - 1.0, 0.0)
    np.testing.assert_allclose(found, squares.sum((0, 1, 2)), rtol=1e-4)
