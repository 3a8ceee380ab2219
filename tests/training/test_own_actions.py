"""Values and rewards of what an agent might have done, against plain loops and integrals."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from gpae.environments import ContinuousActions, DiscreteActions, Observation
from gpae.methods import Dae, Gpae
from gpae.networks import (
    CategoricalPolicy,
    CriticSpec,
    GaussianPolicy,
    apply_critic,
    apply_reward_models,
    sample,
)
from gpae.training import own_actions
from gpae.training.keys import Purpose, derive_each
from gpae.training.own_actions import Situation, expected_rewards, own_action_values, with_taken
from gpae.training.passes import EstimationPlan
from gpae.training.state import Steps
from gpae.training.valuation import critic_inputs

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, MODELS = 3, 2, 4, 5, 2
SHAPE = (STEPS, ENVIRONMENTS, AGENTS)


def tags(*shape):
    """Every element's place in its digits."""
    weights = 10 ** np.arange(len(shape))[::-1]
    return np.tensordot(weights, np.indices(shape), axes=1).astype(np.float32)


def situation(actions, policy, outputs=None):
    """Steps at which nothing is known but who saw what and did what."""
    nothing = jnp.zeros(SHAPE[:2])
    observation = Observation(
        state=jnp.asarray(tags(*SHAPE[:2], 1)),
        observations=jnp.asarray(tags(*SHAPE, 1)),
        available_actions=jnp.ones((*SHAPE, ACTIONS), bool),
        alive=jnp.ones(SHAPE, bool),
    )
    return Situation(
        steps=Steps(observation, nothing, actions, nothing, nothing, nothing, nothing, nothing),
        policy=policy,
        outputs=outputs,
        hidden_states=SimpleNamespace(critic=None),
        keys=derive_each(0, Purpose.OWN_ACTIONS, 0, jnp.arange(ENVIRONMENTS)),
    )


def plan(space, samples=0):
    """A plan of stand-ins: the functions that apply them are replaced as well."""
    stand_in = SimpleNamespace(spec=CriticSpec.of_joint_action(space))
    method = Dae(own_action_samples=samples)
    return EstimationPlan(None, stand_in, stand_in, method, 0.9)


PARAMETERS = SimpleNamespace(critic=None, reward_model=None)


@pytest.fixture
def discrete():
    random = np.random.default_rng(0)
    actions = jnp.asarray(random.integers(ACTIONS, size=SHAPE))
    policy = CategoricalPolicy(jnp.asarray(random.normal(size=(*SHAPE, ACTIONS)), jnp.float32))
    return situation(actions, policy, jnp.asarray(tags(*SHAPE, ACTIONS)))


def test_expected_rewards_sum_over_own_actions_and_average_over_models(monkeypatch, discrete):
    rewards, seen = tags(MODELS, *SHAPE, ACTIONS), []
    monkeypatch.setattr(
        own_actions, "apply_reward_models", lambda *given: seen.append(given[2]) or rewards
    )
    found = expected_rewards(plan(DiscreteActions(ACTIONS)), PARAMETERS, discrete)
    probabilities = np.asarray(discrete.policy.probabilities)
    for t, e, n in np.ndindex(SHAPE):
        expected = 0.0
        for action in range(ACTIONS):
            mean = rewards[:, t, e, n, action].mean()
            expected += probabilities[t, e, n, action] * mean
        np.testing.assert_allclose(found[t, e, n], expected, rtol=1e-5)
    (inputs,) = seen
    np.testing.assert_array_equal(inputs.state, discrete.steps.observation.state)
    np.testing.assert_array_equal(inputs.action_features, np.eye(ACTIONS)[discrete.steps.actions])
    np.testing.assert_array_equal(inputs.own_features, 0.0)


def test_numbered_own_actions_are_all_of_them(discrete):
    own = own_action_values(plan(DiscreteActions(ACTIONS)), PARAMETERS, discrete)
    np.testing.assert_array_equal(own.values, tags(*SHAPE, ACTIONS))
    np.testing.assert_array_equal(own.taken, discrete.steps.actions)
    logits = np.asarray(discrete.policy.logits, np.float64)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(own.probabilities, weights, rtol=1e-5)


def test_a_critic_blind_to_the_own_action_and_a_method_without_models_have_none(discrete):
    blind = SimpleNamespace(spec=Gpae().critic(DiscreteActions(ACTIONS)))
    without = EstimationPlan(None, blind, None, Gpae(), 0.9)
    assert own_action_values(without, PARAMETERS, discrete) is None
    assert expected_rewards(without, PARAMETERS, discrete) is None


def test_the_action_taken_comes_first_with_weight_zero():
    sampled = tags(*SHAPE, 4)
    own = with_taken(-jnp.asarray(tags(*SHAPE)), jnp.asarray(sampled))
    assert own.values.shape == own.probabilities.shape == (*SHAPE, 5)
    np.testing.assert_array_equal(own.taken, np.zeros(SHAPE))
    np.testing.assert_array_equal(own.values[..., 0], -tags(*SHAPE))
    np.testing.assert_array_equal(own.values[..., 1:], sampled)
    np.testing.assert_array_equal(own.probabilities[..., 0], 0.0)
    np.testing.assert_array_equal(own.probabilities[..., 1:], 0.25)


LOW, HIGH = -0.5, 1.5
LINEAR, SQUARE = np.array([1.0, -2.0, 0.5, 3.0, 1.0]), np.array([0.5, 1.0, -1.0, 0.2, 2.0])
BOUNDS = {
    "wide": {"low": -100.0, "high": 100.0},
    "clipped": {"low": LOW, "high": HIGH},
    "squashed": {"low": LOW, "high": HIGH, "squash": True},
}


def continuous(**bounds):
    random = np.random.default_rng(0)
    mask = random.random((*SHAPE, ACTIONS)) < 0.7
    policy = GaussianPolicy(
        mean=jnp.asarray(random.normal(size=mask.shape), jnp.float32),
        log_std=jnp.asarray(random.uniform(-1.0, 0.3, size=mask.shape), jnp.float32),
        mask=jnp.asarray(mask),
        **bounds,
    )
    actions = jnp.asarray(random.normal(size=mask.shape), jnp.float32)
    return situation(actions, policy, jnp.asarray(tags(*SHAPE)))


def quadratic(own_features):
    """Of an agent's own numbers, and of its place."""
    own = own_features @ LINEAR.astype(np.float32) + own_features**2 @ SQUARE.astype(np.float32)
    return own + tags(*SHAPE)


@pytest.fixture
def known_functions(monkeypatch):
    """A critic and two reward models whose values are known functions of the own numbers."""

    def critic(*given):
        return None, quadratic(given[3].own_features[0])[None]

    def models(*given):
        value = quadratic(given[2].own_features)
        return jnp.stack([value + 7.0, value - 7.0])

    monkeypatch.setattr(own_actions, "apply_critic", critic)
    monkeypatch.setattr(own_actions, "apply_reward_models", models)


def exact_expectation(policy):
    """The expectation of the quadratic, by integration over each number."""
    mean, std = np.asarray(policy.mean, np.float64), np.exp(np.asarray(policy.log_std, np.float64))
    unbounded = mean[..., None] + std[..., None] * np.linspace(-9, 9, 4001)
    numbers = np.clip(unbounded, policy.low, policy.high)
    if policy.squash:
        numbers = policy.low + (policy.high - policy.low) / (1 + np.exp(-2 * unbounded))
    density = stats.norm.pdf(unbounded, mean[..., None], std[..., None])
    values = LINEAR[:, None] * numbers + SQUARE[:, None] * numbers**2
    each = integrate.trapezoid(density * values, unbounded, axis=-1)
    return np.where(policy.mask, each, 0.0).sum(-1) + tags(*SHAPE)


@pytest.mark.parametrize("bounds", BOUNDS)
@pytest.mark.usefixtures("known_functions")
def test_the_mean_over_samples_converges_to_the_expectation_under_the_current_policy(bounds):
    count, given = 4000, continuous(**BOUNDS[bounds])
    run = jax.jit(lambda: own_action_values(plan(ContinuousActions(5), count), PARAMETERS, given))
    own = run()
    assert own.values.shape == (*SHAPE, count + 1)
    np.testing.assert_array_equal(own.values[..., 0], tags(*SHAPE))
    sampled = np.asarray(own.values)[..., 1:]
    error = (own.values * own.probabilities).sum(-1) - exact_expectation(given.policy)
    deviation = sampled.std(-1) / count**0.5
    assert (np.abs(error) < 4.5 * deviation + 1e-3).all()
    assert np.median(deviation) < 0.1


@pytest.mark.usefixtures("known_functions")
def test_critic_and_reward_models_are_asked_about_the_same_samples():
    given, few = continuous(**BOUNDS["clipped"]), plan(ContinuousActions(5), 3)
    own = own_action_values(few, PARAMETERS, given)
    mean = (own.values * own.probabilities).sum(-1)
    rewards = expected_rewards(few, PARAMETERS, given)
    np.testing.assert_allclose(rewards, mean, rtol=1e-5, atol=1e-4)
    assert np.abs(mean - exact_expectation(given.policy)).mean() > 0.3, "three are not enough"

    other_keys = given.keys.at[1].set(derive_each(1, Purpose.OWN_ACTIONS, 0, jnp.arange(1))[0])
    again = expected_rewards(few, PARAMETERS, given.replace(keys=other_keys))
    np.testing.assert_array_equal(again[:, 0], rewards[:, 0])
    assert (again[:, 1] != rewards[:, 1]).all()


@pytest.mark.usefixtures("known_functions")
def test_samples_differ_from_one_another():
    given = continuous(**BOUNDS["wide"])
    own = own_action_values(plan(ContinuousActions(5), 6), PARAMETERS, given)
    has_numbers = np.asarray(given.policy.mask).any(-1)
    assert (np.ptp(own.values[..., 1:], axis=-1) > 1e-3)[has_numbers].all()
    noise = np.asarray(own.values[..., 1:] - tags(*SHAPE)[..., None])[has_numbers]
    assert len(np.unique(noise)) == noise.size


@pytest.fixture(scope="module")
def numbered(learner, experience, own_actions_probe):
    """One window of numbered actions: what COMA's critic and DAE's reward models say of it."""
    played = experience(learner(method=own_actions_probe, core="feedforward", steps=6))
    return played, played.estimate(played.window())


def one_by_one(batch, spec, run):
    """A function's outputs at each step and environment alone, the others' actions one-hot."""
    actions, observation = np.asarray(batch.steps.actions), batch.steps.observation
    outputs = []
    for t, e in np.ndindex(actions.shape[:2]):
        here = jax.tree.map(lambda leaf, t=t, e=e: leaf[t, e][None, None], observation)
        taken = jnp.asarray(np.eye(3, dtype=np.float32)[actions[t, e]][None, None])
        outputs.append(run(critic_inputs(spec, here, taken, jnp.full_like(taken, np.nan))))
    return np.stack(outputs).reshape(*actions.shape[:2], *outputs[0].shape)


def test_own_action_values_of_a_window_are_those_of_each_step_alone(numbered):
    played, batch = numbered
    critic, params = played.learner.estimation.critic, played.params.critic
    empty = jnp.zeros((1, 3, 0))
    run = jax.jit(
        lambda inputs: apply_critic(critic, params, empty, inputs, jnp.ones((1, 1), bool))[1]
    )
    alone = one_by_one(batch, critic.spec, lambda inputs: run(inputs)[0, 0])
    np.testing.assert_allclose(batch.estimate.advantages, alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(batch.estimate.targets, batch.policy.probabilities)
    of_action = np.take_along_axis(alone, np.asarray(batch.steps.actions)[..., None], -1)[..., 0]
    np.testing.assert_allclose(batch.values, of_action, rtol=1e-4, atol=1e-5)
    assert np.ptp(alone, axis=-1).mean() > 0.1


def test_expected_rewards_of_a_window_are_those_of_each_step_alone(numbered):
    played, batch = numbered
    models, params = played.learner.estimation.reward_models, played.params.reward_model
    run = jax.jit(lambda inputs: apply_reward_models(models, params, inputs))
    alone = one_by_one(batch, models.spec, lambda inputs: run(inputs)[:, 0, 0])
    probabilities = np.asarray(batch.policy.probabilities)[:, :, None]
    expected = (probabilities * alone).sum(-1).mean(2)
    assert alone.shape[2] == models.size == 2
    np.testing.assert_allclose(batch.estimate.coefficients, expected, rtol=1e-4, atol=1e-5)


def test_a_recurrent_critic_values_alternatives_with_what_it_remembered_before_the_step(
    learner, experience, dials, own_actions_probe
):
    samples, steps, environments = own_actions_probe.own_action_samples, 6, 4
    setup = learner(dials, own_actions_probe, environments=environments, steps=steps)
    played = experience(setup, count=2)
    window = played.window(count=1)
    batch = played.estimate(window)
    own, policy = np.asarray(batch.estimate.advantages), batch.policy
    critic, params = setup.estimation.critic, played.params.critic
    start = window.rollouts.hidden_states.critic[0]
    keys = derive_each(0, Purpose.OWN_ACTIONS, 0, jnp.arange(environments))
    true = critic_inputs(
        critic.spec, batch.steps.observation, policy.features(batch.steps.actions), policy.summary()
    )
    run = jax.jit(
        lambda own_features: apply_critic(
            critic, params, start, true.replace(own_features=own_features), batch.steps.first
        )[1]
    )
    np.testing.assert_allclose(run(true.own_features), own[..., 0], rtol=1e-4, atol=1e-5)
    for k in range(samples):
        folded = jax.vmap(lambda key, k=k: jax.random.fold_in(key, k))(keys)
        alternative = policy.features(sample(folded, policy, axis=1))
        for t in range(steps):
            rollout = run(true.own_features.at[t].set(alternative[t]))
            np.testing.assert_allclose(rollout[t], own[t, ..., 1 + k], rtol=1e-4, atol=1e-5)
    assert np.abs(start).max() > 0.1
    assert np.ptp(own[..., 1:], axis=-1).mean() > 0.01
