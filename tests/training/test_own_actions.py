"""Values and rewards of what an agent might have done, against plain loops and integrals."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import integrate, stats

from gpae.environments import ContinuousActions, DiscreteActions, Observation
from gpae.methods import Gpae, LearnedNetwork, Steps, UpdateSettings
from gpae.methods.dae import RewardModel, apply_reward_models
from gpae.networks import (
    CategoricalPolicy,
    CriticSpec,
    GaussianPolicy,
    NetworkSettings,
    sample,
)
from gpae.training.estimation import EstimationPlan
from gpae.training.estimation.evidence import WindowEvidence
from gpae.training.estimation.own_actions import with_taken
from gpae.training.keys import Purpose, derive_each
from gpae.training.state import Forward

pytestmark = pytest.mark.slow

STEPS, ENVIRONMENTS, AGENTS, ACTIONS, MODELS = 3, 2, 4, 5, 2
SHAPE = (STEPS, ENVIRONMENTS, AGENTS)


def tags(*shape):
    """Every element's place in its digits."""
    weights = 10 ** np.arange(len(shape))[::-1]
    return np.tensordot(weights, np.indices(shape), axes=1).astype(np.float32)


def situation(actions, policy):
    """Steps at which nothing is known but who saw what and did what."""
    nothing = jnp.zeros(SHAPE[:2])
    observation = Observation(
        state=jnp.asarray(tags(*SHAPE[:2], 1)),
        observations=jnp.asarray(tags(*SHAPE, 1)),
        available_actions=jnp.ones((*SHAPE, ACTIONS), bool),
        alive=jnp.ones(SHAPE, bool),
    )
    steps = Steps(observation, nothing, actions, nothing, nothing, nothing, nothing, nothing)
    return SimpleNamespace(steps=steps, policy=policy)


def evidence_of(network, given, outputs):
    """The evidence of a network with some outputs at the steps of a situation."""
    return WindowEvidence(
        name=network.name,
        plan=EstimationPlan(None, {network.name: network}, Gpae(), 0.9),
        params={network.name: None},
        steps=given.steps,
        forwards={
            "actor": Forward(given.policy, None, None),
            network.name: Forward(jnp.asarray(outputs), None, None),
        },
        hidden_states={network.name: ()},
        successors=None,
        keys=derive_each(0, Purpose.OWN_ACTIONS, 0, jnp.arange(ENVIRONMENTS)),
    )


def reward_model(space):
    return RewardModel("reward_model", CriticSpec.of_joint_action(space), NetworkSettings(), MODELS)


@dataclass(frozen=True)
class Known(LearnedNetwork):
    """A critic whose values are a known function of the own actions."""

    def init(self, key, inputs):
        raise NotImplementedError

    def apply(self, params, hidden_state, inputs, resets):
        return hidden_state, quadratic(inputs.own_features)

    def loss(self, params, minibatch):
        raise NotImplementedError


def known_critic(space):
    return Known("critic", CriticSpec.of_joint_action(space))


@pytest.fixture
def discrete():
    random = np.random.default_rng(0)
    actions = jnp.asarray(random.integers(ACTIONS, size=SHAPE))
    policy = CategoricalPolicy(jnp.asarray(random.normal(size=(*SHAPE, ACTIONS)), jnp.float32))
    return situation(actions, policy)


def test_expected_rewards_sum_over_own_actions_and_average_over_models(monkeypatch, discrete):
    rewards, seen = tags(MODELS, *SHAPE, ACTIONS), []
    monkeypatch.setattr(
        "gpae.methods.dae.apply_reward_models", lambda *given: seen.append(given[2]) or rewards
    )
    models, steps = reward_model(DiscreteActions(ACTIONS)), discrete.steps
    policy = discrete.policy
    inputs = models.inputs(steps.observation, policy, policy.summary(), steps.actions)
    _, outputs = models.apply(None, (), inputs, steps.first)
    found = evidence_of(models, discrete, outputs).own_actions(1).expectation()
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


def test_discrete_own_actions_are_all_of_them(discrete):
    critic = known_critic(DiscreteActions(ACTIONS))
    own = evidence_of(critic, discrete, tags(*SHAPE, ACTIONS)).own_actions(1)
    np.testing.assert_array_equal(own.values, tags(*SHAPE, ACTIONS))
    np.testing.assert_array_equal(own.taken, discrete.steps.actions)
    logits = np.asarray(discrete.policy.logits, np.float64)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    np.testing.assert_allclose(own.probabilities, weights, rtol=1e-5)


def test_a_critic_blind_to_the_own_action_and_a_method_without_models_have_none(discrete, dials):
    space = DiscreteActions(ACTIONS)
    blind = Known("critic", Gpae().critic(space))
    evidence = evidence_of(blind, discrete, tags(*SHAPE))
    with pytest.raises(ValueError, match="critic: its values do not depend on the own action"):
        evidence.own_actions(1)
    networks = Gpae().networks(dials.spec, NetworkSettings(), UpdateSettings())
    assert set(networks) == {"critic"}


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
    return situation(actions, policy)


def quadratic(own_features):
    """Of an agent's own numbers, and of its place."""
    own = own_features @ LINEAR.astype(np.float32) + own_features**2 @ SQUARE.astype(np.float32)
    return own + tags(*SHAPE)


@pytest.fixture
def known_rewards(monkeypatch):
    """Two reward models whose rewards are known functions of the own actions."""

    def models(*given):
        value = quadratic(given[2].own_features)
        return jnp.stack([value + 7.0, value - 7.0])

    monkeypatch.setattr("gpae.methods.dae.apply_reward_models", models)


def known_evidence(given):
    """The evidence of the known critic where actions are continuous."""
    return evidence_of(known_critic(ContinuousActions(ACTIONS)), given, tags(*SHAPE))


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
def test_the_mean_over_samples_converges_to_the_expectation_under_the_current_policy(bounds):
    count, given = 4000, continuous(**BOUNDS[bounds])
    own = jax.jit(lambda: known_evidence(given).own_actions(count))()
    assert own.values.shape == (*SHAPE, count + 1)
    np.testing.assert_array_equal(own.values[..., 0], tags(*SHAPE))
    sampled = np.asarray(own.values)[..., 1:]
    error = (own.values * own.probabilities).sum(-1) - exact_expectation(given.policy)
    deviation = sampled.std(-1) / count**0.5
    assert (np.abs(error) < 4.5 * deviation + 1e-3).all()
    assert np.median(deviation) < 0.1


@pytest.mark.usefixtures("known_rewards")
def test_critic_and_reward_models_are_asked_about_the_same_samples():
    given = continuous(**BOUNDS["clipped"])
    mean = known_evidence(given).own_actions(3).expectation()
    models = evidence_of(reward_model(ContinuousActions(ACTIONS)), given, tags(*SHAPE))
    rewards = models.own_actions(3).expectation()
    np.testing.assert_allclose(rewards, mean, rtol=1e-5, atol=1e-4)
    assert np.abs(mean - exact_expectation(given.policy)).mean() > 0.3, "three are not enough"

    other_keys = models.keys.at[1].set(derive_each(1, Purpose.OWN_ACTIONS, 0, jnp.arange(1))[0])
    again = replace(models, keys=other_keys).own_actions(3).expectation()
    np.testing.assert_array_equal(again[:, 0], rewards[:, 0])
    assert (again[:, 1] != rewards[:, 1]).all()


def test_samples_differ_from_one_another():
    given = continuous(**BOUNDS["wide"])
    own = known_evidence(given).own_actions(6)
    has_numbers = np.asarray(given.policy.mask).any(-1)
    assert (np.ptp(own.values[..., 1:], axis=-1) > 1e-3)[has_numbers].all()
    noise = np.asarray(own.values[..., 1:] - tags(*SHAPE)[..., None])[has_numbers]
    assert len(np.unique(noise)) == noise.size


@pytest.fixture(scope="module")
def probed(learner, experience, own_actions_probe):
    """A window of discrete actions, COMA's critic's values of them and DAE's expected rewards."""
    played = experience(learner(method=own_actions_probe, core="feedforward", steps=6))
    return played, played.estimation(played.window())


@pytest.fixture(scope="module")
def one_by_one(critic_inputs):
    """A function's outputs at each step and environment alone, the others' actions one-hot."""

    def run_alone(batch, spec, run):
        actions, observation = np.asarray(batch.steps.actions), batch.steps.observation
        outputs = []
        for t, e in np.ndindex(actions.shape[:2]):
            here = jax.tree.map(lambda leaf, t=t, e=e: leaf[t, e][None, None], observation)
            taken = jnp.asarray(np.eye(3, dtype=np.float32)[actions[t, e]][None, None])
            outputs.append(run(critic_inputs(spec, here, taken, jnp.full_like(taken, np.nan))))
        return np.stack(outputs).reshape(*actions.shape[:2], *outputs[0].shape)

    return run_alone


def test_own_action_values_of_a_window_are_those_of_each_step_alone(probed, one_by_one):
    played, estimation = probed
    batch = estimation.batch
    critic, params = played.learner.networks["critic"], played.params["critic"]
    run = jax.jit(lambda inputs: critic.apply(params, (), inputs, jnp.ones((1, 1), bool))[1])
    alone = one_by_one(batch, critic.spec, lambda inputs: run(inputs)[0, 0])
    np.testing.assert_allclose(batch.advantages, alone, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(batch.targets["critic"], batch.policy.probabilities)
    of_action = np.take_along_axis(alone, np.asarray(batch.steps.actions)[..., None], -1)[..., 0]
    np.testing.assert_allclose(batch.values["critic"], of_action, rtol=1e-4, atol=1e-5)
    assert np.ptp(alone, axis=-1).mean() > 0.1


def test_expected_rewards_of_a_window_are_those_of_each_step_alone(probed, one_by_one):
    played, estimation = probed
    models, params = played.learner.networks["reward_model"], played.params["reward_model"]
    run = jax.jit(lambda inputs: apply_reward_models(models.module, params, inputs))
    alone = one_by_one(estimation.batch, models.spec, lambda inputs: run(inputs)[:, 0, 0])
    probabilities = np.asarray(estimation.batch.policy.probabilities)[:, :, None]
    expected = (probabilities * alone).sum(-1).mean(2)
    assert alone.shape[2] == models.size == 2
    np.testing.assert_allclose(estimation.coefficients, expected, rtol=1e-4, atol=1e-5)


def test_a_recurrent_critic_values_alternatives_with_its_hidden_state_before_the_step(
    learner, experience, dials, own_actions_probe
):
    samples, steps, environments = own_actions_probe.own_action_samples, 6, 4
    setup = learner(dials, own_actions_probe, environments=environments, steps=steps)
    played = experience(setup, count=2)
    window = played.window(count=1)
    batch = played.batch(window)
    own, policy = np.asarray(batch.advantages), batch.policy
    critic, params = setup.networks["critic"], played.params["critic"]
    start = jax.tree.map(lambda leaf: leaf[0], window.rollouts.hidden_states["critic"])
    keys = derive_each(0, Purpose.OWN_ACTIONS, 0, jnp.arange(environments))
    true = critic.inputs(batch.steps.observation, policy, policy.summary(), batch.steps.actions)
    run = jax.jit(
        lambda own_features: critic.apply(
            params, start, true.replace(own_features=own_features), batch.steps.first
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
